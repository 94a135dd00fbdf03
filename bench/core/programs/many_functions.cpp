#include TENON_HEADER
using namespace tenon;

/// What 25 functions of a user cost, each differentiated and compiled.
template <class F>
void show(F f) {
  print("{}\n", jit(grad([=](Tensor x) { return sum(f(x)); }))(Tensor{1.0, 2.0, 3.0}));
}

int main() {
  show([](Tensor x) { return sin(x); });
  show([](Tensor x) { return cos(x); });
  show([](Tensor x) { return exp(x); });
  show([](Tensor x) { return log(x); });
  show([](Tensor x) { return tanh(x); });
  show([](Tensor x) { return sqrt(x); });
  show([](Tensor x) { return square(x); });
  show([](Tensor x) { return x * x * x; });
  show([](Tensor x) { return 1 / x; });
  show([](Tensor x) { return sigmoid(x); });
  show([](Tensor x) { return relu(x); });
  show([](Tensor x) { return gelu(x); });
  show([](Tensor x) { return softplus(x); });
  show([](Tensor x) { return log1p(x); });
  show([](Tensor x) { return expm1(x); });
  show([](Tensor x) { return erf(x); });
  show([](Tensor x) { return atan(x); });
  show([](Tensor x) { return sinh(x); });
  show([](Tensor x) { return cosh(x); });
  show([](Tensor x) { return abs(x); });
  show([](Tensor x) { return power(x, 3); });
  show([](Tensor x) { return softmax(x); });
  show([](Tensor x) { return x / (1 + x); });
  show([](Tensor x) { return where(x > 1, x, 0); });
  show([](Tensor x) { return cumsum(x, 0); });
}
