#include "tenon/runtime/cpu/library.h"

#include <algorithm>
#include <numeric>

#include "library_kernel.h"
#include "tenon/base/cpu.h"
#include "tenon/base/version.h"
#include "tenon/compile/codegen/codegen.h"
#include "tenon/graph/build.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/cpu/narrow_convolution.h"
#include "tenon/runtime/cpu/native.h"

namespace tenon {
namespace {

bool built_without_library(const std::string& trace) {
  return trace.find("built without oneDNN") != std::string::npos;
}

/// The kernel against the op's reference semantics.
void expect_equals_reference(const KernelRequest& request, std::mt19937& random) {
  const ChosenKernel chosen = make_kernel(request);
  const bool by_reference = chosen.reasons.ends_with("reference");
  EXPECT_TRUE(!by_reference || built_without_library(chosen.reasons)) << chosen.reasons;
  std::vector<std::vector<float>> inputs;
  for (const ConcreteType& type : request.inputs) {
    inputs.push_back(test::random_floats(static_cast<size_t>(type.size()), random));
  }
  std::vector<float> output(static_cast<size_t>(request.outputs[0].size()));
  std::string why_not;
  const auto reference = make_reference(request, why_not);
  const std::vector<float> want = test::run(*reference, inputs, output);
  const std::vector<float> got = test::run(*chosen.kernel, inputs, output);
  const std::string what = request.inputs[0].to_string() + " and " + request.inputs[1].to_string() +
                           " " + request.attributes.to_string() + " " + chosen.reasons + " " +
                           chosen.kernel->description();
  test::expect_close(got, {want.begin(), want.end()}, 1e-5, what);
  for (const std::vector<bool>& known :
       {std::vector{true, false}, std::vector{false, true}, std::vector{true, true}}) {
    const KernelRequest packed{
        request.op,        request.attributes,         request.inputs, request.outputs,
        request.generator, request.exact_convolutions, known};
    // Another kernel may suit an operand in its own order better.
    const ChosenKernel other = make_kernel(packed);
    const std::vector<float> result = test::run(*other.kernel, inputs, output);
    test::expect_close(result, {want.begin(), want.end()}, 1e-5, what);
    if (other.kernel->description() == chosen.kernel->description()) {
      EXPECT_EQ(result, got) << what;
    }
  }
}

/// Fills in the attributes and the result's type.
KernelRequest request_of(const char* op, Attributes& attributes, std::vector<ConcreteType> inputs) {
  const OpDef& definition = core_ops().get(op);
  std::vector<Type> types;
  for (const ConcreteType& type : inputs) types.push_back({type.dtype, Shape::of(type.shape)});
  for (const AttributeSchema& schema : definition.attributes) {
    if (!attributes.find(schema.name)) attributes.set(schema.name, *schema.fallback);
  }
  InferContext context{types, attributes};
  const Type result = definition.infer(context)[0];
  return {definition, attributes, std::move(inputs), {{result.dtype, result.shape.evaluate({})}}};
}

TEST(LibraryDot, EqualsReferenceForAxesInAnyOrder) {
  std::mt19937 random(17);
  for (int i = 0; i < 100; ++i) {
    struct Kind {
      size_t count;
      bool in_lhs, in_rhs;
    };
    const Kind kinds[] = {{random() % 3, true, true},   // batch
                          {random() % 3, true, false},  // free
                          {random() % 3, false, true},  // free
                          {random() % 3, true, true}};  // contracted
    struct Side {
      std::vector<int64_t> sizes, order;
      Integers batch, contract;
    } sides[2];
    for (size_t kind = 0; kind < 4; ++kind) {
      for (size_t n = 0; n < kinds[kind].count; ++n) {
        const int64_t size = i % 20 == 0 ? static_cast<int64_t>(random() % 3)
                                         : 1 + static_cast<int64_t>(random() % 7);
        for (int s = 0; s < 2; ++s) {
          if (!(s == 0 ? kinds[kind].in_lhs : kinds[kind].in_rhs)) continue;
          if (kind == 0) sides[s].batch.push_back(static_cast<int64_t>(sides[s].sizes.size()));
          if (kind == 3) sides[s].contract.push_back(static_cast<int64_t>(sides[s].sizes.size()));
          sides[s].sizes.push_back(size);
        }
      }
    }
    std::vector<ConcreteType> inputs;
    for (Side& side : sides) {
      std::vector<int64_t> place(side.sizes.size()), shape(side.sizes.size());
      std::iota(place.begin(), place.end(), 0);
      std::ranges::shuffle(place, random);
      for (size_t axis = 0; axis < place.size(); ++axis) {
        shape[static_cast<size_t>(place[axis])] = side.sizes[axis];
      }
      for (Integers* axes : {&side.batch, &side.contract}) {
        for (int64_t& axis : *axes) axis = place[static_cast<size_t>(axis)];
      }
      inputs.push_back({DType::f32, shape});
    }
    Attributes attributes{{"lhs_contract", sides[0].contract},
                          {"rhs_contract", sides[1].contract},
                          {"lhs_batch", sides[0].batch},
                          {"rhs_batch", sides[1].batch}};
    expect_equals_reference(request_of("dot", attributes, inputs), random);
  }
}

TEST(LibraryDot, MultipliesHeadsOfAttentionWhereTheyLie) {
  // [batch, time, head, channel]: heads are a batch axis inside the rows.
  std::mt19937 random(19);
  Attributes attributes{{"lhs_contract", Integers{3}},
                        {"rhs_contract", Integers{3}},
                        {"lhs_batch", Integers{0, 2}},
                        {"rhs_batch", Integers{0, 2}}};
  const ConcreteType heads{DType::f32, {3, 20, 4, 16}};
  expect_equals_reference(request_of("dot", attributes, {heads, heads}), random);
}

TEST(LibraryConvolution, EqualsReference) {
  std::mt19937 random(23);
  const Attributes geometry{{"strides", Integers{2, 1}},
                            {"padding_low", Integers{1, 0}},
                            {"padding_high", Integers{0, 2}},
                            {"dilation", Integers{1, 2}},
                            {"groups", Shape{2}}};
  const ConcreteType x{DType::f32, {3, 9, 8, 4}}, filter{DType::f32, {3, 2, 2, 6}};
  Attributes forward = geometry;
  const KernelRequest request = request_of("convolution", forward, {x, filter});
  const ConcreteType y = request.outputs[0];
  expect_equals_reference(request, random);

  Attributes input = geometry;
  input.set("input_shape", Shape{9, 8});
  expect_equals_reference(request_of("convolution_input_gradient", input, {y, filter}), random);

  Attributes kernel = geometry;
  kernel.set("kernel_shape", Integers{3, 2});
  expect_equals_reference(request_of("convolution_filter_gradient", kernel, {x, y}), random);
}

TEST(NarrowConvolution, EqualsReference) {
  if (!built_with_llvm()) GTEST_SKIP() << "kernels are not generated";
  const auto generator = make_code_generator();
  std::mt19937 random(29);
  const auto below = [&](int64_t n) { return static_cast<int64_t>(random() % uint64_t(n)); };
  int generated = 0;
  for (int i = 0; i < 60; ++i) {
    const bool forward = i % 2 == 0;
    const int64_t few = 1 + below(7), many = 8 + below(20);
    const Integers window{1 + below(5), 1 + below(5)}, dilation{1 + below(2), 1 + below(2)};
    const Integers strides = forward ? Integers{1 + below(2), 1 + below(3)} : Integers{1, 1};
    Attributes attributes{{"strides", strides}, {"dilation", dilation}};
    for (const char* side : {"padding_low", "padding_high"}) {
      attributes.set(side, Integers{below(window[0]), below(window[1])});
    }
    const int64_t height = 10 + below(9), width = 10 + below(9), batch = 1 + below(5);
    const ConcreteType x{DType::f32, {batch, height, width, forward ? many : few}};
    const ConcreteType filter{DType::f32, {window[0], window[1], x.shape[3], forward ? few : many}};
    Attributes forward_attributes = attributes, gradient = attributes;
    const KernelRequest result = request_of("convolution", forward_attributes, {x, filter});
    gradient.set("input_shape", Shape{height, width});
    const KernelRequest request =
        forward ? result
                : request_of("convolution_input_gradient", gradient, {result.outputs[0], filter});
    const KernelRequest whole{request.op, request.attributes, request.inputs, request.outputs,
                              generator.get()};
    std::string why_not;
    if (make_narrow_convolution(whole, why_not)) ++generated;
    expect_equals_reference(whole, random);
  }
  EXPECT_GT(generated, 50);
}

/// In bf16, whose eight bits of precision leave half a percent.
void expect_equals_reference_in_bf16(const KernelRequest& request, std::mt19937& random) {
  if (!cpu_info().has("avx512_bf16")) GTEST_SKIP();
  const ChosenKernel chosen = make_kernel(request);
  std::vector<std::vector<uint16_t>> inputs;
  std::vector<void*> in;
  for (const ConcreteType& type : request.inputs) {
    std::vector<uint16_t>& input = inputs.emplace_back();
    for (const float value : test::random_floats(static_cast<size_t>(type.size()), random)) {
      input.push_back(float_to_bf16(value));
    }
    in.push_back(input.data());
  }
  std::string why_not;
  const auto results_of = [&](const OpKernel& kernel) {
    std::vector<uint16_t> output(static_cast<size_t>(request.outputs[0].size()));
    std::vector<double> scratch(static_cast<size_t>(kernel.scratch_bytes() / 8 + 16));
    void* out = output.data();
    void* own = scratch.data();
    size_t space = scratch.size() * 8;
    kernel.run(in.data(), &out,
               std::align(64, static_cast<size_t>(kernel.scratch_bytes()), own, space));
    std::vector<float> values;
    for (const uint16_t bits : output) values.push_back(bf16_to_float(bits));
    return values;
  };
  const std::vector<float> want = results_of(*make_reference(request, why_not));
  test::expect_close(results_of(*chosen.kernel), {want.begin(), want.end()}, 5e-3,
                     chosen.reasons + " " + chosen.kernel->description());
}

TEST(LibraryDot, MultipliesBf16) {
  std::mt19937 random(29);
  Attributes attributes{{"lhs_contract", Integers{1}}, {"rhs_contract", Integers{0}}};
  const ConcreteType lhs{DType::bf16, {20, 33}}, rhs{DType::bf16, {33, 10}};
  expect_equals_reference_in_bf16(request_of("dot", attributes, {lhs, rhs}), random);
}

TEST(LibraryConvolution, TakesBf16) {
  std::mt19937 random(31);
  const ConcreteType x{DType::bf16, {5, 9, 8, 4}}, filter{DType::bf16, {3, 2, 4, 6}};
  Attributes forward;
  const KernelRequest request = request_of("convolution", forward, {x, filter});
  const ConcreteType y = request.outputs[0];
  expect_equals_reference_in_bf16(request, random);
  Attributes input{{"input_shape", Shape{9, 8}}};
  expect_equals_reference_in_bf16(request_of("convolution_input_gradient", input, {y, filter}),
                                  random);
  Attributes kernel{{"kernel_shape", Integers{3, 2}}};
  expect_equals_reference_in_bf16(request_of("convolution_filter_gradient", kernel, {x, y}),
                                  random);
}

TEST(LibraryConvolution, OfNothingIsZero) {
  Attributes attributes;
  const KernelRequest request = request_of(
      "convolution", attributes, {{DType::f32, {2, 4, 4, 0}}, {DType::f32, {3, 3, 0, 5}}});
  std::vector<std::vector<float>> inputs(2);
  const std::vector<float> result =
      test::run(*make_kernel(request).kernel, inputs, std::vector<float>(40, 7.0f));
  EXPECT_EQ(result, std::vector<float>(40, 0.0f));
}

}  // namespace
}  // namespace tenon
