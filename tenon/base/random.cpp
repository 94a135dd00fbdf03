#include "tenon/base/random.h"

#include <cmath>
#include <numbers>

#include "tenon/base/error.h"
#include "tenon/base/hash.h"
#include "tenon/base/parallel.h"

namespace tenon {
namespace {

constexpr int64_t kBlocksPerChunk = 4096;

// Calls fill(four words, first index, how many) for every block of the output.
template <typename Fill>
void for_each_block(RandomKey key, size_t size, Fill fill) {
  const auto blocks = static_cast<int64_t>((size + 3) / 4);
  parallel_for(blocks, kBlocksPerChunk, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      const auto first = static_cast<size_t>(block) * 4;
      fill(random_block(key, static_cast<uint64_t>(block)), first,
           std::min<size_t>(4, size - first));
    }
  });
}

}  // namespace

RandomKey RandomKey::fold_in(std::string_view name) const {
  return fold_in(hash_bytes(name.data(), name.size()).low);
}

std::pair<float, float> unit_normal(uint32_t first, uint32_t second) {
  // 1 - u is in (0, 1], so the logarithm is finite.
  const float radius = std::sqrt(-2.0f * std::log(1.0f - unit_uniform(first)));
  const float angle = 2.0f * std::numbers::pi_v<float> * unit_uniform(second);
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

void fill_bits(RandomKey key, std::span<uint32_t> out) {
  for_each_block(key, out.size(), [&](const PhiloxCounter& words, size_t first, size_t count) {
    for (size_t i = 0; i < count; ++i) out[first + i] = words[i];
  });
}

void fill_uniform(RandomKey key, std::span<float> out, float low, float high) {
  const float last = low < high ? std::nextafter(high, low) : high;  // rounding may reach the end
  for_each_block(key, out.size(), [&](const PhiloxCounter& words, size_t first, size_t count) {
    for (size_t i = 0; i < count; ++i)
      out[first + i] = std::min(low + (high - low) * unit_uniform(words[i]), last);
  });
}

void fill_normal(RandomKey key, std::span<float> out, float mean, float deviation) {
  for_each_block(key, out.size(), [&](const PhiloxCounter& words, size_t first, size_t count) {
    const auto [a, b] = unit_normal(words[0], words[1]);
    const auto [c, d] = unit_normal(words[2], words[3]);
    const std::array values = {a, b, c, d};
    for (size_t i = 0; i < count; ++i) out[first + i] = mean + deviation * values[i];
  });
}

uint64_t RandomStream::bits64() {
  const uint64_t low = (*this)();
  return low | uint64_t{(*this)()} << 32;
}

double RandomStream::uniform() { return static_cast<double>(bits64() >> 11) * 0x1p-53; }

double RandomStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

int64_t RandomStream::below(int64_t bound) {
  if (bound <= 0)
    fail(ErrorCode::invalid_argument, "random number below {}: the bound must be positive", bound);
  // Lemire, "Fast Random Integer Generation in an Interval" (2019): multiply, reject the few
  // values that would make some results more frequent.
  const auto range = static_cast<uint64_t>(bound);
  const uint64_t threshold = (0 - range) % range;
  for (;;) {
    const auto product = static_cast<unsigned __int128>(bits64()) * range;
    if (static_cast<uint64_t>(product) >= threshold) return static_cast<int64_t>(product >> 64);
  }
}

void RandomStream::skip_to(uint64_t position) {
  index_ = position;
  if (index_ % 4 != 0) block_ = random_block(key_, index_ / 4);
}

std::vector<int64_t> permutation(RandomKey key, int64_t n) {
  if (n < 0) fail(ErrorCode::invalid_argument, "permutation of {} items", n);
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  shuffle(key, std::span(order));
  return order;
}

}  // namespace tenon
