#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "tenon/base/alignment.h"
#include "tenon/base/parallel.h"
#include "tenon/runtime/kernel.h"

namespace tenon::test {

inline std::vector<float> random_floats(size_t size, std::mt19937& random) {
  std::uniform_real_distribution<float> between(-1, 1);
  std::vector<float> values(size);
  for (float& value : values) value = between(random);
  return values;
}

/// Runs with scratch memory that is as large as the kernel says, and not a byte larger.
inline std::vector<float> run(const OpKernel& kernel, std::vector<std::vector<float>>& inputs,
                              std::vector<float> output) {
  std::vector<void*> in;
  for (auto& input : inputs) in.push_back(input.data());
  void* out = output.data();
  constexpr size_t kGuard = 64;
  const auto size = static_cast<size_t>(kernel.scratch_bytes());
  std::unique_ptr<char, decltype(&std::free)> scratch(
      static_cast<char*>(
          std::aligned_alloc(kBufferAlignment, round_up(size + 2 * kGuard, kBufferAlignment))),
      &std::free);
  std::memset(scratch.get() + size, 0x5a, kGuard);
  std::memset(scratch.get(), 0xff, size);  // not-a-number: nothing may rely on zeros
  kernel.run(in.data(), &out, scratch.get());
  for (size_t i = 0; i < kGuard; ++i) {
    EXPECT_EQ(scratch.get()[size + i], 0x5a) << "wrote beyond its scratch memory";
  }
  return output;
}

/// Errors are measured against the largest value, as sums of many terms round.
inline void expect_close(const std::vector<float>& got, const std::vector<double>& want,
                         double tolerance, const std::string& what) {
  ASSERT_EQ(got.size(), want.size());
  double largest = 1e-3, worst = 0;
  for (const double value : want) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < got.size(); ++i) {
    worst = std::isnan(got[i]) ? HUGE_VAL : std::max(worst, std::abs(got[i] - want[i]));
  }
  EXPECT_LE(worst, tolerance * largest) << what;
}

/// A thread count for one scope.
class Threads {
 public:
  explicit Threads(int count) : before_(thread_count()) { set_thread_count(count); }
  ~Threads() { set_thread_count(before_); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

 private:
  int before_;
};

}  // namespace tenon::test
