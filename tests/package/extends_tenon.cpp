// What a library that extends tenon must be able to do: its op, in eager code, under transforms and
// compiled; its kernel; its pass; and what goes wrong with an extension is said.

#include <tenon/extension.h>

#include <cstdlib>
#include <functional>

#include "squared_relu.h"

using namespace tenon;

namespace {

void expect(bool holds, const char* what) {
  if (holds) return;
  fmt::print("failed: {}\n", what);
  std::exit(1);
}

void expect_error(ErrorCode code, const char* text, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    if (error.code() == code && std::string_view(error.what()).find(text) != std::string::npos)
      return;
    fmt::print("failed: {}\n", error.what());
    std::exit(1);
  }
  fmt::print("failed: no error says '{}'\n", text);
  std::exit(1);
}

void refuse_what_is_wrong() {
  auto load_op = [](OpStatement statement) {
    return [statement] {
      load({.name = "wrong", .ops = [&](OpFamily& ops) { ops.add(OpStatement(statement)); }});
    };
  };
  expect_error(ErrorCode::invalid_argument, "has no name", [] { load({}); });
  expect_error(ErrorCode::already_exists, "loaded already", [] { squared::load(); });
  expect_error(ErrorCode::invalid_argument, "op 'half_stated' (wrong) lacks",
               load_op(primitive("half_stated").doc("Nothing.")));
  expect_error(ErrorCode::invalid_argument, "a name is letters, digits and _",
               load_op(composite("two words")
                           .doc("Nothing.")
                           .input("x")
                           .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
                           .decompose([](RuleContext& c) { return std::vector{c.inputs[0]}; })
                           .samples({"f32[3]"})));
  expect_error(ErrorCode::invalid_argument, "op 'half_derived' (wrong) lacks vjp beside its jvp",
               load_op(primitive("half_derived")
                           .doc("The identity.")
                           .input("x", kFloating)
                           .infer([](InferContext& c) { return std::vector<Type>{c.input(0)}; })
                           .reference([](ReferenceCall& call) { call.output(0) = call.input(0); })
                           .batch([](BatchContext& c) { return std::vector<Value>{c.inputs[0]}; })
                           .jvp([](JvpContext& c) { return std::vector<Value>{c.tangents[0]}; })
                           .samples({"f32[3]"})));
  expect_error(ErrorCode::invalid_argument, "op '' (wrong) lacks a name", load_op(primitive("")));
  expect_error(ErrorCode::invalid_argument, "'inner' is loaded while another defines its ops",
               [] { load({.name = "outer", .ops = [](OpFamily&) { load({.name = "inner"}); }}); });
  expect_error(ErrorCode::not_found, "did you mean 'softmax'", [] {
    auto claims = [](const Graph&, const Node&) { return true; };
    auto make = [](const KernelRequest&, std::string&) { return std::unique_ptr<OpKernel>(); };
    load({.name = "wrong", .kernels = {{"sofmax", "mine", claims, make}}});
  });
  expect_error(ErrorCode::invalid_argument, "kernel 'mine' lacks claims",
               [] { load({.name = "wrong", .kernels = {{"softmax", "mine", {}, {}}}}); });
  auto nothing = [](const Graph&, const PassContext&) { return std::unique_ptr<Graph>(); };
  expect_error(ErrorCode::not_found, "did you mean 'simplify'",
               [&] { load({.name = "wrong", .passes = {{{"mine", nothing}, "simplfy"}}}); });
  expect_error(ErrorCode::already_exists, "there is a pass 'cse' already",
               [&] { load({.name = "wrong", .passes = {{{"cse", nothing}, "inline"}}}); });
  expect(loaded_extensions() == std::vector<std::string>{"squared"}, "nothing wrong was taken");
}

/// Ops from outside that are a view, cheap, or read by index are what Tenon's own are.
void fuse_as_its_own() {
  const Tensor x = arange(Dim(6), DType::f32).reshape({3, 2});
  const Tensor last_first = Tensor::of<int32_t>({2, 0}, {2});
  auto from_outside = jit([](Tensor x, Tensor numbers) {
    const Tensor rows = squared::joined(squared::rows_at(x, numbers) * 2);
    return squared::plus_times(rows, tanh(rows) * 0, 0.5) + 1;
  });
  expect(all_close(from_outside(x, last_first), Tensor{9.0, 11.0, 1.0, 3.0}).item() == 1,
         "a view of rows by index, and a sum");
  expect(squared::steps_of_last_program == 1, "they are one kernel");

  auto joined = jit([](Tensor x) { return squared::joined(x); });
  expect(all_close(joined(x), Tensor{0.0, 1.0, 2.0, 3.0, 4.0, 5.0}).item() == 1, "a view alone");
  auto slope = jit(grad([](Tensor x) {
    return sum(squared::plus_times(squared::joined(x), squared::joined(x * x), 0.5));
  }));
  expect(all_close(slope(x), x + 1).item() == 1, "the derivatives of a view and of a sum");
  expect(all_close(vmap([](Tensor row) { return squared::joined(row); })(x), x).item() == 1,
         "batches of a view");
  expect_error(ErrorCode::out_of_range, "rows_at",
               [&] { squared::rows_at(x, Tensor::of<int32_t>({3}, {1})).eval(); });
}

}  // namespace

int main() {
  squared::load();
  refuse_what_is_wrong();

  const Tensor x{-1.0, 0.5, 3.0};
  expect(all_close(squared::squared_relu(x), Tensor{0.0, 0.25, 9.0}).item() == 1, "the op");
  expect(squared::kernel_runs == 1, "the kernel ran");

  expect_error(ErrorCode::invalid_argument,
               "kernel 'squared relu in one go' for squared_relu: the device is gone",
               [] { squared::squared_relu(ones({13})).eval(); });

  auto slope = jit(grad([](Tensor x) { return sum(squared::squared_relu(x)); }));
  expect(all_close(slope(x), Tensor{0.0, 1.0, 6.0}).item() == 1, "its derivative, compiled");
  auto rows = vmap([](Tensor x) { return squared::squared_relu(x); });
  expect(all_close(rows(stack({x, x}))[1], Tensor{0.0, 0.25, 9.0}).item() == 1, "its batches");

  fuse_as_its_own();

  const int at_most = squared::kernel_runs;
  expect(all_close(squared::squared_relu(full({2000}, 3)), full({2000}, 9)).item() == 1,
         "the statement, where the kernel declines");
  expect(squared::kernel_runs == at_most, "the kernel declined");
  expect_error(ErrorCode::invalid_argument, "decomposition gives f32[], but its types say f32[3]",
               [&] { squared::wrongly_stated(x).eval(); });

  const int before = squared::kernel_runs;
  auto written_out = jit([](Tensor x) {
    Tensor positive = relu(x);
    return positive * positive;
  });
  expect(all_close(written_out(x), Tensor{0.0, 0.25, 9.0}).item() == 1, "written out");
  expect(squared::kernel_runs == before + 1, "the pass found it");

  expect_error(ErrorCode::invalid_argument, "ops have already been used",
               [] { load({.name = "late"}); });
  fmt::print("an op, a kernel and a pass from outside\n");
}
