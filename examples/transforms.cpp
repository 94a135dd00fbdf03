// Derivatives, vectorisation and compilation of plain functions.
//
//   ./dev build release example_transforms && build/release/examples/transforms

#include <tenon/tenon.h>

using namespace tenon;

namespace {

Tensor bump(Tensor x) { return sum(sin(x) * exp(-x * x)); }

struct Line {
  Tensor slope, offset;
};

Tensor squared_distance(const Line& line, Tensor x, Tensor y) {
  return mean(square(line.slope * x + line.offset - y));
}

/// A root of f, by Newton's method with automatic derivatives.
template <class F>
Tensor newton(F f, Tensor x) {
  return while_loop([&](Tensor x) { return abs(f(x)) > 1e-6; },
                    [&](Tensor x) { return x - f(x) / grad(f)(x); }, x);
}

}  // namespace

int main() {
  Tensor x{0.5, 1.0, 2.0};

  print("grad          {}\n", grad(bump)(x));
  print("jvp           {}\n", jvp(bump, x, Tensor{1, 0, 0}).tangent);
  print("hessian · v   {}\n", jvp(grad(bump), x, Tensor{1, 0, 0}).tangent);

  // Gradients of a structure of tensors have the same structure.
  Line line{Tensor(0.0), Tensor(0.0)};
  Tensor times{0, 1, 2, 3}, heights{1, 3, 5, 7};
  auto [distance, slope] = value_and_grad(squared_distance)(line, times, heights);
  print("distance      {}\n", distance);
  print("by slope      {}\nby offset     {}\n", slope.slope, slope.offset);

  // Per-example gradients, in one computation.
  auto each = vmap(grad(squared_distance), {.in = {none, 0, 0}});
  print("per example   {}\n", each(line, times, heights).slope);

  // Compiled once; arguments that are moved in are updated in place.
  auto step = jit([](Line line, Tensor x, Tensor y) {
    Line by = grad(squared_distance)(line, x, y);
    return Line{line.slope - 0.1 * by.slope, line.offset - 0.1 * by.offset};
  });
  for (int i = 0; i < 200; ++i) line = step(std::move(line), times, heights);
  print("fitted        y = {:.2} x + {:.2}\n", line.slope, line.offset);
  print("compilations  {}\n", step.compilations());

  // Control flow, with derivatives inside the loop.
  Tensor root = newton([](Tensor x) { return x * x - 2; }, Tensor(1.0));
  print("sqrt(2)       {}\n", root);
}
