#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <list>
#include <memory>
#include <optional>
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

/// Memory as large as a kernel says, and not a byte larger.
class Guarded {
 public:
  explicit Guarded(size_t size)
      : size_(size),
        data_(static_cast<char*>(std::aligned_alloc(kBufferAlignment,
                                                    round_up(size + 2 * kGuard, kBufferAlignment))),
              &std::free) {
    std::memset(data(), 0xff, size);  // not-a-number: nothing may rely on zeros
    std::memset(data() + size, 0x5a, kGuard);
  }
  ~Guarded() {
    for (size_t i = 0; i < kGuard; ++i)
      EXPECT_EQ(data()[size_ + i], 0x5a) << "wrote beyond its memory";
  }
  Guarded(Guarded&&) = delete;
  char* data() const { return data_.get(); }

 private:
  static constexpr size_t kGuard = 64;
  size_t size_;
  std::unique_ptr<char, decltype(&std::free)> data_;
};

/// Operands are packed where the kernel was made for known ones.
inline std::vector<float> run(const OpKernel& kernel, std::vector<std::vector<float>>& inputs,
                              std::vector<float> output) {
  std::vector<void*> in;
  std::list<Guarded> packed;
  for (size_t i = 0; i < inputs.size(); ++i) {
    in.push_back(inputs[i].data());
    const std::optional<Packing> packing = kernel.packing(i);
    if (!packing) continue;
    EXPECT_EQ(kernel.packing(i)->layout, packing->layout);
    packing->pack(inputs[i].data(), packed.emplace_back(packing->bytes).data());
    in.back() = packed.back().data();
  }
  void* out = output.data();
  const Guarded scratch(static_cast<size_t>(kernel.scratch_bytes()));
  kernel.run(in.data(), &out, scratch.data());
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

/// Of the kernel that make() gives, null for none: the same results for whatever number of threads
/// it is made for and runs on. Whether there is one.
template <class Make>
bool expect_same_bits_on_threads(Make&& make, std::vector<std::vector<float>>& inputs,
                                 const std::vector<float>& output, const std::string& what) {
  const auto with = [&](int made_for, int run_on) {
    std::unique_ptr<OpKernel> kernel;
    {
      const Threads threads(made_for);
      kernel = make();
    }
    const Threads threads(run_on);
    return kernel ? run(*kernel, inputs, output) : std::vector<float>();
  };
  const std::vector<float> one = with(1, 1);
  for (const auto& [made_for, run_on] :
       {std::pair{2, 2}, {2, 1}, {1, 2}, {3, 3}, {5, 3}, {5, 5}, {1, 5}, {5, 1}}) {
    EXPECT_EQ(one, with(made_for, run_on)) << what << ", " << made_for << " and " << run_on;
  }
  return !one.empty();
}

}  // namespace tenon::test
