// What an installed tenon must be able to do: a derivative, compiled; single ops.

#include <tenon/core.h>
#include <tenon/tensor/op_functions.h>

int main() {
  auto f = [](tenon::Tensor x) { return sum(x * x); };
  auto df = tenon::jit(tenon::grad(f));
  tenon::Tensor slope = df(tenon::Tensor{1.0, 2.0, 3.0});
  fmt::print("{}\n", slope);
  return slope.item(2) == 6 && tenon::ops::reduce_sum(slope, {0}).item() == 12 ? 0 : 1;
}
