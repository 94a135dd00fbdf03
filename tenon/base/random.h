#pragma once

//   given: uint64_t seed, epoch; int64_t images; std::vector<float> weights;
//   RandomKey key = RandomKey(seed).fold_in("encoder.fc1");   // one key per use
//   fill_normal(key, weights, 0.0f, 0.02f);                   // same bits on any thread count
//   auto order = permutation(key.fold_in(epoch), images);
//   RandomStream stream(key);
//   int64_t index = stream.below(10);

#include <array>
#include <cstdint>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace tenon {

using PhiloxCounter = std::array<uint32_t, 4>;
using PhiloxKey = std::array<uint32_t, 2>;

/// Philox4x32-10 of Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3" (SC 2011):
/// a bijection of the counter for each key, so any number can be made without those before it.
constexpr PhiloxCounter philox4x32(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = uint64_t{0xD2511F53} * counter[0];
    const uint64_t b = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(b),
               static_cast<uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(a)};
    key = {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u};
  }
  return counter;
}

/// The source of random numbers. Equal keys give equal numbers; derive a key for every use.
struct RandomKey {
  uint64_t value = 0;

  constexpr RandomKey() = default;
  constexpr explicit RandomKey(uint64_t seed) : value(seed) {}
  bool operator==(const RandomKey&) const = default;

  /// A key independent of this one and of those for other data.
  constexpr RandomKey fold_in(uint64_t data) const {
    const PhiloxCounter out =
        philox4x32({static_cast<uint32_t>(data), static_cast<uint32_t>(data >> 32), 0, 1}, words());
    return RandomKey(out[0] | uint64_t{out[1]} << 32);
  }
  RandomKey fold_in(std::string_view name) const;

  constexpr PhiloxKey words() const {
    return {static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)};
  }
};

/// The four words for indices 4 * block … 4 * block + 3. This layout (counter = {block low, block
/// high, 0, 0}) is the meaning of the random_bits op, so generated kernels give the same numbers.
constexpr PhiloxCounter random_block(RandomKey key, uint64_t block) {
  return philox4x32({static_cast<uint32_t>(block), static_cast<uint32_t>(block >> 32), 0, 0},
                    key.words());
}

constexpr uint32_t random_bits(RandomKey key, uint64_t index) {
  return random_block(key, index / 4)[index % 4];
}

/// In [0, 1), a multiple of 2^-24, so it is exact in f32.
constexpr float unit_uniform(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

/// Two standard normal numbers from two words (Box and Muller, 1958).
std::pair<float, float> unit_normal(uint32_t first, uint32_t second);

/// Fills in parallel; element i depends only on the key and i. Uniform numbers are in [low, high).
void fill_bits(RandomKey key, std::span<uint32_t> out);
void fill_uniform(RandomKey key, std::span<float> out, float low = 0, float high = 1);
void fill_normal(RandomKey key, std::span<float> out, float mean = 0, float deviation = 1);

/// A sequence of numbers, for code with a fixed order of use. A std random bit generator.
class RandomStream {
 public:
  using result_type = uint32_t;
  explicit RandomStream(RandomKey key) : key_(key) {}

  uint32_t operator()() {
    if (index_ % 4 == 0) block_ = random_block(key_, index_ / 4);
    return block_[index_++ % 4];
  }
  static constexpr uint32_t min() { return 0; }
  static constexpr uint32_t max() { return UINT32_MAX; }

  uint64_t bits64();
  /// In [0, 1), 53 random bits.
  double uniform();
  double normal();
  /// Unbiased in [0, bound); bound > 0.
  int64_t below(int64_t bound);

  /// The position of the stream: save it, and skip_to it to continue with the same numbers.
  uint64_t position() const { return index_; }
  void skip_to(uint64_t position);

 private:
  RandomKey key_;
  uint64_t index_ = 0;
  PhiloxCounter block_{};
};

/// Fisher-Yates shuffle.
template <typename T>
void shuffle(RandomKey key, std::span<T> items) {
  RandomStream stream(key);
  for (size_t i = items.size(); i > 1; --i) {
    const auto j = static_cast<size_t>(stream.below(static_cast<int64_t>(i)));
    std::swap(items[i - 1], items[j]);
  }
}

/// 0 … n-1 in random order.
std::vector<int64_t> permutation(RandomKey key, int64_t n);

}  // namespace tenon
