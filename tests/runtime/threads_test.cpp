// Results do not depend on threads: not on how many there are, who calls, or in which process.

#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <thread>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "library_kernel.h"
#include "tenon/base/cpu.h"
#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/cpu/convolution.h"
#include "tenon/runtime/cpu/matmul.h"
#include "tenon/runtime/executable.h"
#include "tests/forked.h"
#include "tests/run.h"

namespace tenon {
namespace {

using test::Threads;
using Bytes = std::vector<std::byte>;

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  int64_t between(int64_t least, int64_t most) {
    return least + static_cast<int64_t>(engine_() % static_cast<unsigned>(most - least + 1));
  }
  bool chance(unsigned one_in) { return engine_() % one_in == 0; }
  Bytes array(DType dtype, int64_t size) {
    const std::vector<float> values = test::random_floats(static_cast<size_t>(size), engine_);
    Bytes bytes(values.size() * size_of(dtype));
    for (size_t i = 0; i < values.size(); ++i) {
      const uint16_t half = float_to_bf16(values[i]);
      const void* const from = dtype == DType::bf16 ? static_cast<const void*>(&half) : &values[i];
      std::memcpy(bytes.data() + i * size_of(dtype), from, size_of(dtype));
    }
    return bytes;
  }

 private:
  std::mt19937 engine_;
};

Bytes run_bytes(const OpKernel& kernel, std::vector<Bytes>& inputs, size_t size) {
  Bytes output(size);
  std::vector<void*> in;
  for (Bytes& input : inputs) in.push_back(input.data());
  void* out = output.data();
  std::vector<std::byte> memory(static_cast<size_t>(kernel.scratch_bytes()) + kBufferAlignment);
  void* scratch = memory.data();
  size_t space = memory.size();
  kernel.run(in.data(), &out,
             std::align(kBufferAlignment, space - kBufferAlignment, scratch, space));
  return output;
}

/// Made for and run on different numbers of threads. Whether there is such a kernel.
template <class Make>
bool has_the_same_bits(Make&& make, std::vector<Bytes> inputs, size_t output_bytes,
                       const std::string& what) {
  Bytes want;
  for (const auto& [made_for, run_on] :
       {std::pair{1, 1}, {2, 2}, {3, 3}, {5, 5}, {1, 5}, {5, 1}, {2, 3}}) {
    std::unique_ptr<OpKernel> kernel;
    {
      const Threads threads(made_for);
      kernel = make();
    }
    if (!kernel) return false;
    const Threads threads(run_on);
    const Bytes got = run_bytes(*kernel, inputs, output_bytes);
    if (want.empty()) want = got;
    EXPECT_TRUE(got == want) << what << ", made for " << made_for << " and run on " << run_on
                             << " threads: " << kernel->description();
  }
  return true;
}

std::vector<DType> library_dtypes() {
  if (cpu_info().has("avx512_bf16")) return {DType::f32, DType::bf16};
  return {DType::f32};
}

bool without_library() {
  std::string why_not;
  make_matmul({.lhs = {1, 1, {}}, .rhs = {1, 1, {}}, .out = {1, 1, {}}}, why_not);
  return why_not == "built without oneDNN";
}

ConvolutionProblem random_convolution(Random& random) {
  ConvolutionProblem p;
  p.kind = static_cast<ConvolutionKind>(random.between(0, 2));
  p.batch = random.chance(2) ? random.between(1, 3) : random.between(4, 40);
  const int64_t rank = random.chance(3) ? random.between(1, 3) : 2;
  for (int64_t d = 0; d < rank; ++d) {
    p.kernel.push_back(random.between(1, 5));
    p.dilation.push_back(random.chance(5) ? 2 : 1);
    p.strides.push_back(random.chance(3) ? random.between(2, 3) : 1);
    p.padding_low.push_back(random.between(0, 2));
    p.padding_high.push_back(random.between(0, 2));
    const int64_t window = (p.kernel.back() - 1) * p.dilation.back() + 1;
    p.input.push_back(random.between(window, rank == 3 ? 12 : 30));
    p.output.push_back((p.input.back() + p.padding_low.back() + p.padding_high.back() - window) /
                           p.strides.back() +
                       1);
  }
  p.groups = random.chance(4) ? random.between(2, 4) : 1;
  const auto channels = [&] {
    return random.chance(3) ? random.between(1, 9) : 16 * random.between(1, 3);
  };
  p.in_channels = p.groups * channels();
  p.out_channels = p.groups * channels();
  if (random.chance(8)) p.groups = p.in_channels = p.out_channels = 32;  // depthwise
  return p;
}

void expect_same_bits(const ConvolutionProblem& p, Random& random, int& made) {
  const int64_t x = p.batch * element_count(p.input) * p.in_channels;
  const int64_t y = p.batch * element_count(p.output) * p.out_channels;
  const int64_t filter = element_count(p.kernel) * (p.in_channels / p.groups) * p.out_channels;
  const bool forward = p.kind == ConvolutionKind::forward;
  const bool to_filter = p.kind == ConvolutionKind::filter_gradient;
  std::vector<Bytes> inputs;
  inputs.push_back(random.array(p.dtype, p.kind == ConvolutionKind::input_gradient ? y : x));
  inputs.push_back(random.array(p.dtype, to_filter ? y : filter));
  const int64_t result = forward ? y : to_filter ? filter : x;
  std::string why_not;
  made += has_the_same_bits([&] { return make_convolution(p, why_not); }, std::move(inputs),
                            static_cast<size_t>(result) * size_of(p.dtype),
                            fmt::format("kind {} {} batch {} input {} kernel {} channels {} -> {} "
                                        "groups {} strides {} padding {} {} dilation {}",
                                        static_cast<int>(p.kind), name_of(p.dtype), p.batch,
                                        p.input, p.kernel, p.in_channels, p.out_channels, p.groups,
                                        p.strides, p.padding_low, p.padding_high, p.dilation));
}

TEST(SameBits, OfRandomConvolutions) {
  if (without_library()) GTEST_SKIP();
  Random random(41);
  int made = 0;
  for (const DType dtype : library_dtypes()) {
    for (int i = 0; i < 120; ++i) {
      ConvolutionProblem p = random_convolution(random);
      p.dtype = dtype;
      expect_same_bits(p, random, made);
    }
  }
  EXPECT_GT(made, 80);
}

TEST(SameBits, OfAConvolutionThatOneDnnCutsByThreads) {
  if (without_library()) GTEST_SKIP();
  Random random(43);
  int made = 0;
  ConvolutionProblem p{.input = {5, 9}, .output = {3, 3}, .kernel = {2, 4}};
  p.in_channels = 2, p.out_channels = 16, p.dilation = {1, 1}, p.strides = {3, 3};
  p.padding_low = {2, 2}, p.padding_high = {1, 0};
  expect_same_bits(p, random, made);
  EXPECT_EQ(made, 1);
}

TEST(SameBits, OfRandomProducts) {
  if (without_library()) GTEST_SKIP();
  Random random(47);
  int made = 0;
  for (const DType dtype : library_dtypes()) {
    for (int i = 0; i < 120; ++i) {
      MatmulProblem p{.dtype = dtype};
      const auto extent = [&] {
        return random.chance(4) ? random.between(1, 9) : random.between(1, 200);
      };
      p.m = extent(), p.n = extent();
      p.k = random.chance(5) ? random.between(1000, 4000) : extent();
      if (random.chance(4)) p.batch = {random.between(1, 9)};
      if (random.chance(8)) p.batch = {random.between(1, 3), random.between(1, 4)};
      const auto strides = [&](int64_t rows, int64_t columns, bool turned) {
        MatrixStrides s{turned ? 1 : columns, turned ? rows : 1, {}};
        int64_t step = rows * columns;
        s.batch.resize(p.batch.size());
        for (size_t d = p.batch.size(); d-- > 0; step *= p.batch[d]) s.batch[d] = step;
        return s;
      };
      p.lhs = strides(p.m, p.k, random.chance(3));
      p.rhs = strides(p.k, p.n, random.chance(3));
      p.out = strides(p.m, p.n, random.chance(6));
      const int64_t matrices = element_count(p.batch);
      std::vector<Bytes> inputs;
      inputs.push_back(random.array(dtype, matrices * p.m * p.k));
      inputs.push_back(random.array(dtype, matrices * p.k * p.n));
      std::string why_not;
      made += has_the_same_bits(
          [&] { return make_matmul(p, why_not); }, std::move(inputs),
          static_cast<size_t>(matrices * p.m * p.n) * size_of(dtype),
          fmt::format("{} batch {} m {} n {} k {} lhs {} rhs {} out {}", name_of(dtype), p.batch,
                      p.m, p.n, p.k, p.lhs.column, p.rhs.column, p.out.column));
    }
  }
  EXPECT_GT(made, 100);
}

/// Products, a convolution, a softmax: library kernels and generated ones, all large enough to be
/// cut.
class SmallModel : public testing::Test {
 protected:
  SmallModel() {
    graph_ = parse_graph(R"(
      graph f(%x: f32[16,12,12,8], %filter: f32[3,3,8,16], %w: f32[1600,300]) -> (f32[16,300], f32[10,10,16]) {
        %0: f32[16,10,10,16] = convolution(%x, %filter)
        %1: f32[16,1600] = reshape(%0) {shape=[16,1600]}
        %2: f32[16,300] = dot(%1, %w) {lhs_contract=[1], rhs_contract=[0]}
        %3: f32[16,300] = softmax(%2) {axis=1}
        %4: f32[10,10,16] = reduce_sum(%0) {axes=[0]}
        return %3, %4
      })",
                         core_ops());
    executable_ = compile(*graph_, core_ops());
    std::mt19937 random(53);
    for (const Type& type : graph_->input_types()) {
      Literal& input = inputs_.emplace_back(type.dtype, type.shape.constants());
      const auto values = test::random_floats(static_cast<size_t>(input.size()), random);
      for (int64_t i = 0; i < input.size(); ++i) {
        input.set_double(i, values[static_cast<size_t>(i)]);
      }
    }
    want_ = run(*executable_, inputs_, 2);
  }
  bool is_right() const {
    std::vector<Buffer> buffers;
    for (const Literal& input : inputs_) buffers.push_back(Buffer::copy_of(input));
    const std::vector<Buffer> outputs = executable_->run(std::move(buffers));
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!(outputs[i].to_literal() == want_[i])) return false;
    }
    return true;
  }

  const Threads threads_{2};
  std::unique_ptr<Graph> graph_;
  std::shared_ptr<const Executable> executable_;
  std::vector<Literal> inputs_, want_;
};

TEST_F(SmallModel, SixteenThreadsGetTheSameBits) {
  std::atomic<int> wrong{0};
  std::vector<std::jthread> callers;
  for (int t = 0; t < 16; ++t) {
    callers.emplace_back([&] {
      for (int i = 0; i < 10; ++i) wrong += is_right() ? 0 : 1;
    });
  }
  callers.clear();
  EXPECT_EQ(wrong, 0);
}

TEST_F(SmallModel, AChildOfForkGetsTheSameBits) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(test::exit_code_of_child([&] { return is_right() ? 0 : 1; }), 0);
    EXPECT_TRUE(is_right());
  }
}

}  // namespace
}  // namespace tenon
