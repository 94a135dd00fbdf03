#include "tenon/runtime/cpu/onednn/convolution_step.h"

#include <algorithm>

#include "tenon/base/parallel.h"

namespace tenon::detail {
namespace {

using Dims = dnnl::memory::dims;

/// [batch, spatial…, channels] as [batch, channels, spatial…].
dnnl::memory::desc channels_last(int64_t batch, const std::vector<int64_t>& spatial,
                                 int64_t channels, int64_t stored_channels, DType dtype) {
  Dims dims = {batch, channels};
  dims.insert(dims.end(), spatial.begin(), spatial.end());
  Dims steps(dims.size());
  int64_t step = stored_channels;
  for (size_t i = dims.size(); i-- > 2;) {
    steps[i] = step;
    step *= dims[i];
  }
  steps[0] = step;
  steps[1] = 1;
  return {dims, onednn_dtype(dtype), steps};
}

dnnl::memory::desc any_layout(const dnnl::memory::desc& plain) {
  return {plain.dims(), plain.data_type(), dnnl::memory::format_tag::any};
}

}  // namespace

Part whole_of(const ConvolutionProblem& p) { return {p.batch, p.in_channels, p.out_channels}; }

dnnl::memory::desc plain_x(const ConvolutionProblem& p, const Part& part) {
  return channels_last(part.batch, p.input, part.in_channels, p.in_channels, p.dtype);
}

dnnl::memory::desc plain_y(const ConvolutionProblem& p, const Part& part) {
  return channels_last(part.batch, p.output, part.out_channels, p.out_channels, p.dtype);
}

dnnl::memory::desc plain_filter(const ConvolutionProblem& p, const Part& part, DType dtype) {
  const int64_t group_inputs = part.in_channels / p.groups;
  const int64_t group_outputs = part.out_channels / p.groups;
  Dims dims, steps;
  if (p.groups > 1) {
    dims = {p.groups};
    steps = {group_outputs};
  }
  dims.insert(dims.end(), {group_outputs, group_inputs});
  steps.insert(steps.end(), {1, p.out_channels});
  const size_t first = dims.size();
  dims.insert(dims.end(), p.kernel.begin(), p.kernel.end());
  steps.resize(dims.size());
  int64_t step = p.in_channels / p.groups * p.out_channels;
  for (size_t i = dims.size(); i-- > first;) {
    steps[i] = step;
    step *= dims[i];
  }
  return {dims, onednn_dtype(dtype), steps};
}

ConvolutionStep::ConvolutionStep(const ConvolutionProblem& p, const Part& part,
                                 const FilterLayout& filter_layout) {
  const Making making;
  const bool filter_gradient = p.kind == ConvolutionKind::filter_gradient;
  constexpr auto algorithm = dnnl::algorithm::convolution_direct;
  const auto wanted_x = plain_x(p, part), wanted_y = plain_y(p, part);
  auto wanted_filter = any_layout(plain_filter(p, part, filter_gradient ? DType::f32 : p.dtype));
  if (const auto* tag = std::get_if<dnnl::memory::format_tag>(&filter_layout)) {
    wanted_filter = {wanted_filter.dims(), wanted_filter.data_type(), *tag};
  } else {
    wanted_filter = std::get<dnnl::memory::desc>(filter_layout);
  }
  const bool forward_only = p.kind == ConvolutionKind::forward;
  const auto hint_filter =
      forward_only ? wanted_filter : any_layout(plain_filter(p, part, p.dtype));
  Dims dilation;
  for (int64_t d : p.dilation) dilation.push_back(d - 1);

  const auto prop = dnnl::prop_kind::forward_training;
  using Forward = dnnl::convolution_forward;
  const Forward::desc problem(prop, algorithm, wanted_x, hint_filter, wanted_y, p.strides, dilation,
                              p.padding_low, p.padding_high);
  const auto attributes = scratch_from_caller();
  const Forward::primitive_desc forward(problem, attributes, cpu_engine());

  int x_name = DNNL_ARG_SRC, filter_name = DNNL_ARG_WEIGHTS, y_name = DNNL_ARG_DST;
  dnnl::primitive made;
  const auto take = [&](const auto& descriptor) {
    scratch_bytes = descriptor.scratchpad_desc().get_size();
    implementation = descriptor.impl_info_str();
    return descriptor.scratchpad_desc();
  };
  dnnl::memory::desc scratch;
  if (p.kind == ConvolutionKind::forward) {
    x = forward.src_desc(), filter = forward.weights_desc(), y = forward.dst_desc();
    scratch = take(forward);
    made = Forward(forward);
  } else if (p.kind == ConvolutionKind::input_gradient) {
    using Backward = dnnl::convolution_backward_data;
    const Backward::primitive_desc descriptor(
        Backward::desc(algorithm, wanted_x, wanted_filter, wanted_y, p.strides, dilation,
                       p.padding_low, p.padding_high),
        attributes, cpu_engine(), forward);
    x = descriptor.diff_src_desc(), filter = descriptor.weights_desc();
    y = descriptor.diff_dst_desc();
    x_name = DNNL_ARG_DIFF_SRC, y_name = DNNL_ARG_DIFF_DST;
    scratch = take(descriptor);
    made = Backward(descriptor);
  } else {
    using Backward = dnnl::convolution_backward_weights;
    const Backward::primitive_desc descriptor(
        Backward::desc(algorithm, wanted_x, wanted_filter, wanted_y, p.strides, dilation,
                       p.padding_low, p.padding_high),
        attributes, cpu_engine(), forward);
    x = descriptor.src_desc(), filter = descriptor.diff_weights_desc();
    y = descriptor.diff_dst_desc();
    filter_name = DNNL_ARG_DIFF_WEIGHTS, y_name = DNNL_ARG_DIFF_DST;
    scratch = take(descriptor);
    made = Backward(descriptor);
  }
  std::vector<Primitive::Argument> arguments = {
      {x_name, x}, {filter_name, filter}, {y_name, y}, {DNNL_ARG_SCRATCHPAD, scratch}};
  primitive = Primitive(std::move(made), std::move(arguments));
}

double operations_of(const ConvolutionProblem& p) {
  const int64_t group_channels = p.in_channels / p.groups;
  return 2.0 * static_cast<double>(p.batch) * static_cast<double>(element_count(p.output)) *
         static_cast<double>(element_count(p.kernel)) * static_cast<double>(group_channels) *
         static_cast<double>(p.out_channels);
}

ConvolutionOperands ConvolutionKernel::operands(void* const* inputs, void* const* outputs) const {
  char* const first = static_cast<char*>(inputs[0]);
  char* const second = static_cast<char*>(inputs[1]);
  char* const result = static_cast<char*>(outputs[0]);
  switch (problem_.kind) {
    case ConvolutionKind::input_gradient:
      return {result, second, first};
    case ConvolutionKind::filter_gradient:
      return {first, result, second};
    default:
      return {first, second, result};
  }
}

void ConvolutionKernel::run_step(const ConvolutionStep& step, const ConvolutionOperands& at,
                                 void* scratch) const {
  step.primitive.run({at.x, at.filter, at.y, scratch});
}

size_t ConvolutionKernel::reserve(size_t bytes) {
  const size_t begin = scratch_bytes_;
  scratch_bytes_ += round_up(bytes, kBufferAlignment);
  return begin;
}

size_t ConvolutionKernel::x_image_bytes() const {
  return static_cast<size_t>(element_count(problem_.input) * problem_.in_channels) *
         size_of(problem_.dtype);
}

size_t ConvolutionKernel::y_image_bytes() const {
  return static_cast<size_t>(element_count(problem_.output) * problem_.out_channels) *
         size_of(problem_.dtype);
}

void add_parts(float* first, int64_t count, int64_t step, int64_t size) {
  parallel_for(size, 16384, [&](int64_t begin, int64_t end) {
    for (int64_t part = 1; part < count; ++part) {
      const float* const added = first + part * step;
      for (int64_t i = begin; i < end; ++i) first[i] += added[i];
    }
  });
}

}  // namespace tenon::detail
