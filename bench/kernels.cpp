// Convolutions of 3x3 and matrix products by our own kernels and by the library's, taking turns, on
// one thread: operations of the direct sum a nanosecond of the thread, which a machine with other
// work does not spoil. TENON_CPU limits both sides.
//
//   bench/kernels [--seconds S]
#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <random>

#include "tenon/base/alignment.h"
#include "tenon/base/cpu.h"
#include "tenon/base/parallel.h"
#include "tenon/runtime/cpu/packed_product.h"
#include "tenon/runtime/cpu/winograd.h"

namespace tenon::bench {
namespace {

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<float> random_floats(int64_t size, std::mt19937& random) {
  std::uniform_real_distribution<float> between(-1, 1);
  std::vector<float> values(static_cast<size_t>(size));
  for (float& value : values) value = between(random);
  return values;
}

/// One kernel's memory and its best time.
class Side {
 public:
  Side(std::unique_ptr<OpKernel> kernel, int64_t outputs)
      : kernel_(std::move(kernel)), output_(static_cast<size_t>(outputs)) {
    if (kernel_) scratch_.resize(static_cast<size_t>(kernel_->scratch_bytes() + kBufferAlignment));
  }

  void run(const std::vector<float>& first, const std::vector<float>& second) {
    if (!kernel_) return;
    void* inputs[] = {const_cast<float*>(first.data()), const_cast<float*>(second.data())};
    void* outputs[] = {output_.data()};
    void* memory = scratch_.data();
    size_t space = scratch_.size();
    std::align(kBufferAlignment, space - kBufferAlignment, memory, space);
    const int repeats = std::max(1, static_cast<int>(2e6 / kernel_->flops()));
    const double start = thread_seconds();
    for (int i = 0; i < repeats; ++i) kernel_->run(inputs, outputs, memory);
    best_ = std::min(best_, (thread_seconds() - start) / repeats);
  }

  std::string figure() const {
    return kernel_ ? fmt::format("{:9.0f}", kernel_->flops() / best_ / 1e9) : "        -";
  }

 private:
  std::unique_ptr<OpKernel> kernel_;
  std::vector<float> output_;
  std::vector<char> scratch_;
  double best_ = std::numeric_limits<double>::infinity();
};

void take_turns(std::vector<Side>& sides, const std::vector<float>& first,
                const std::vector<float>& second, double seconds) {
  const double end = thread_seconds() + seconds;
  for (int round = 0; round < 3 || thread_seconds() < end; ++round) {
    for (Side& side : sides) side.run(first, second);
  }
}

void measure_convolution(ConvolutionKind kind, int64_t batch, int64_t extent, int64_t in,
                         int64_t out, double seconds) {
  ConvolutionProblem p{.kind = kind, .batch = batch, .input = {extent, extent}};
  p.output = p.input, p.kernel = {3, 3}, p.in_channels = in, p.out_channels = out;
  p.strides = p.dilation = p.padding_low = p.padding_high = {1, 1};
  const int64_t x = batch * extent * extent * in, y = batch * extent * extent * out;
  const int64_t filter = 9 * in * out;
  std::mt19937 random(1);
  const bool turned = kind == ConvolutionKind::input_gradient;
  const bool to_filter = kind == ConvolutionKind::filter_gradient;
  const auto first = random_floats(turned ? y : x, random);
  const auto second = random_floats(to_filter ? y : filter, random);
  const int64_t outputs = turned ? x : to_filter ? filter : y;
  std::string why_not;
  std::vector<Side> sides;
  sides.emplace_back(make_winograd_of(p, 4), outputs);
  sides.emplace_back(make_winograd_of(p, 2), outputs);
  sides.emplace_back(make_convolution(p, why_not), outputs);
  take_turns(sides, first, second, seconds);
  const auto chosen = make_winograd(p, why_not);
  const char* const names[] = {"forward", "input gradient", "filter gradient"};
  fmt::print("{:3} x {:2}x{:2}, {:3} -> {:3} {:<16}{}{}{}   {}\n", batch, extent, extent, in, out,
             names[static_cast<int>(kind)], sides[0].figure(), sides[1].figure(), sides[2].figure(),
             chosen ? chosen->description() : "library");
}

void measure_product(int64_t m, int64_t n, int64_t k, bool transposed_lhs, bool transposed_rhs,
                     double seconds) {
  MatmulProblem p{.m = m, .n = n, .k = k, .lhs = {k, 1, {}}, .rhs = {n, 1, {}}, .out = {n, 1, {}}};
  if (transposed_lhs) p.lhs = {1, m, {}};
  if (transposed_rhs) p.rhs = {1, k, {}};
  std::mt19937 random(1);
  const auto first = random_floats(m * k, random), second = random_floats(k * n, random);
  std::string why_not;
  std::vector<Side> sides;
  sides.emplace_back(make_any_packed_product(p, why_not), m * n);
  sides.emplace_back(make_matmul(p, why_not), m * n);
  take_turns(sides, first, second, seconds);
  fmt::print("{:4} x {:4} x {:4} {:<15}{}{}   {}\n", m, k, n,
             transposed_lhs   ? "lhs transposed"
             : transposed_rhs ? "rhs transposed"
                              : "",
             sides[0].figure(), sides[1].figure(),
             make_packed_product(p, why_not) ? "ours" : "library");
}

void run(double seconds) {
  set_thread_count(1);
  fmt::print("{}, {}, one thread; GFLOP/s of the direct sum\n", cpu_info().name,
             name_of(host_instruction_set()));
  fmt::print("{:<38}{:>9}{:>9}{:>9}   {}\n", "3x3", "F(4x4)", "F(2x2)", "library", "chosen");
  for (const auto& [batch, extent, in, out] : {std::array<int64_t, 4>{64, 32, 64, 64},
                                               {64, 16, 128, 128},
                                               {64, 8, 256, 256},
                                               {64, 4, 512, 512},
                                               {128, 28, 32, 32},
                                               {128, 14, 64, 64},
                                               {1, 56, 64, 64},
                                               {1, 28, 128, 128},
                                               {1, 14, 256, 256},
                                               {1, 7, 512, 512}}) {
    for (int kind = 0; kind < 3; ++kind) {
      measure_convolution(static_cast<ConvolutionKind>(kind), batch, extent, in, out, seconds);
    }
  }
  fmt::print("{:<34}{:>9}{:>9}   {}\n", "products", "ours", "library", "chosen");
  for (const auto& [m, n, k] : {std::array<int64_t, 3>{16, 16, 16},
                                {32, 32, 32},
                                {64, 64, 64},
                                {128, 512, 784},
                                {128, 512, 512},
                                {512, 512, 128},
                                {768, 384, 128},
                                {50, 512, 128},
                                {50, 128, 512},
                                {128, 512, 2500},
                                {2500, 65, 128},
                                {128, 65, 2500},
                                {64, 64, 32},
                                {64, 32, 64},
                                {512, 512, 512},
                                {1024, 1024, 1024}}) {
    for (int transposed = 0; transposed < 3; ++transposed) {
      measure_product(m, n, k, transposed == 1, transposed == 2, seconds);
    }
  }
}

}  // namespace
}  // namespace tenon::bench

int main(int argc, char** argv) {
  double seconds = 0.3;
  CLI::App app("Our kernels beside the library's.", "bench/kernels");
  app.add_option("--seconds", seconds, "Of each problem")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    tenon::bench::run(seconds);
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
