#include "tenon/runtime/cpu/winograd_cost.h"

#include <fmt/format.h>

#include <algorithm>

#include "tenon/runtime/cpu/winograd_shape.h"

namespace tenon {

namespace {

// Costs are in multiplications of a product, one at a time. The constants are fits to the times of
// 360 random problems for AVX2 and as many for AVX-512, to 20 % of the time; see
// docs/benchmarks.md.

/// Of transforming an entry of a tile, for each lane: it is bound by memory, not by lanes.
constexpr double kTileEntry = 1.5;
/// Of transforming or reordering a number of the filter, and of reading a number directly.
constexpr double kFilterEntry = 8, kDirectEntry = 10;
/// The library multiplies slower in gradients of filters.
constexpr double kDirectFilterGradient = 1.3;
/// What has to be gained for the digits that are lost.
constexpr double kGain = 0.9;
/// The error of F(4x4) grows with the root of the channels, to 3e-6 of the result for so many; that
/// of F(2x2) is half of it.
constexpr int64_t kMostChannelsOf4 = 1024;

double winograd_cost(const ConvolutionProblem& p, int tile, int lanes) {
  const WinogradShape s(p, tile);
  const auto places = static_cast<double>(s.places), tiles = static_cast<double>(s.tiles);
  const auto inner = static_cast<double>(s.inner), columns = static_cast<double>(s.columns);
  const auto filled = static_cast<double>(round_up(s.columns, lanes));
  return places * (tiles * inner * filled + tiles * (inner + columns) * kTileEntry * lanes +
                   inner * columns * kFilterEntry);
}

double direct_cost(const ConvolutionProblem& p, int lanes) {
  const bool turned = p.kind == ConvolutionKind::input_gradient;
  const auto inner = static_cast<double>(turned ? p.out_channels : p.in_channels);
  const int64_t columns = turned ? p.in_channels : p.out_channels;
  const auto filled = static_cast<double>(round_up(columns, lanes));
  const auto results = static_cast<double>(p.batch * p.output[0] * p.output[1]);
  const auto channels = static_cast<double>(p.in_channels + p.out_channels);
  const double slower = p.kind == ConvolutionKind::filter_gradient ? kDirectFilterGradient : 1;
  return results * (9 * inner * filled * slower + channels * kDirectEntry) +
         9 * inner * static_cast<double>(columns) * kFilterEntry;
}

/// Why the algorithm does not do such a convolution, or null.
const char* obstacle(const ConvolutionProblem& p, int lanes) {
  const auto all_are = [](const std::vector<int64_t>& list, int64_t value) {
    return std::ranges::all_of(list, [&](int64_t entry) { return entry == value; });
  };
  if (p.exact) return "an exact sum is asked for";
  if (p.dtype != DType::f32) return "Winograd's algorithm is for f32";
  if (p.input.size() != 2 || !all_are(p.kernel, 3) || !all_are(p.strides, 1) ||
      !all_are(p.dilation, 1) || p.groups != 1) {
    return "Winograd's algorithm is for 3x3 with stride 1";
  }
  if (!p.fits_32_bits()) return "sizes or padding beyond 2^31";
  if (std::min(p.in_channels, p.out_channels) < lanes) return "its channels fill no vectors";
  return nullptr;
}

}  // namespace

int winograd_tile(const ConvolutionProblem& p, int lanes, std::string& why_not) {
  if (const char* reason = obstacle(p, lanes)) {
    why_not = reason;
    return 0;
  }
  const double direct = direct_cost(p, lanes);
  const double cost2 = winograd_cost(p, 2, lanes), cost4 = winograd_cost(p, 4, lanes);
  const bool many = std::max(p.in_channels, p.out_channels) > kMostChannelsOf4;
  const bool small = many || cost2 <= cost4;
  if ((small ? cost2 : cost4) < kGain * direct) return small ? 2 : 4;
  why_not = fmt::format("tiles of {0}x{0} would cost {1:.2f} times a direct sum", small ? 2 : 4,
                        (small ? cost2 : cost4) / direct);
  return 0;
}

}  // namespace tenon
