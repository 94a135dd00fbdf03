#include TENON_HEADER
using namespace tenon;

int main() {
  auto f = [](Tensor x) { return sum(sin(x) * exp(-x * x)); };
  auto df = jit(grad(f));
  print("{}\n", df(Tensor{1.0, 2.0, 3.0}));
}
