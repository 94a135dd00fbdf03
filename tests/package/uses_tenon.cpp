// What an installed tenon must be able to do: a derivative, compiled.

#include <tenon/core.h>

int main() {
  auto f = [](tenon::Tensor x) { return sum(x * x); };
  auto df = tenon::jit(tenon::grad(f));
  tenon::Tensor slope = df(tenon::Tensor{1.0, 2.0, 3.0});
  fmt::print("{}\n", slope);
  return slope.item(2) == 6 ? 0 : 1;
}
