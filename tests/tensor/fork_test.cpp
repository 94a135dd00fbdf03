// Children of a process whose other threads are in the middle of compiling and running.
#include <gmock/gmock.h>

#include <atomic>
#include <functional>
#include <thread>

#include "tenon/graph/text.h"
#include "tenon/ops/registry.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tests/forked.h"
#include "tests/tensor/eager.h"

namespace tenon {
namespace {

constexpr int64_t kRows = 5;

/// A program of its own for each number below 2^6.
Tensor program(const Tensor& x, unsigned number) {
  Tensor y = x;
  for (unsigned bits = number | 1u << 6; bits > 1; bits /= 2) y = bits % 2 == 1 ? sin(y) : cos(y);
  return y;
}

std::vector<double> program_of_one(unsigned number) {
  double y = 1;
  for (unsigned bits = number | 1u << 6; bits > 1; bits /= 2)
    y = bits % 2 == 1 ? std::sin(y) : std::cos(y);
  return {y, y};
}

class ForkWhileOthers : public testing::Test {
 protected:
  ForkWhileOthers()
      : graph_(parse_graph(R"(
          graph f(%x: f32[n,8], %w: f32[8,4]) -> (f32[n,4]) {
            %0: f32[n,4] = dot(%x, %w) {lhs_contract=[1], rhs_contract=[0]}
            %1: f32[n,4] = softmax(%0) {axis=1}
            return %1
          })",
                           core_ops())),
        executable_(compile(*graph_, core_ops())),
        jitted_(jit(std::function([](Tensor x) {
                      // Sizes were requested as numbers: a version for each.
                      Tensor y = x[0];
                      for (int64_t i = 1; i < x.dim(0).constant(); ++i) y = sin(y) + x[i];
                      return y;
                    }),
                    {.max_versions = 4})) {
    for (int64_t rows = 1; rows <= kRows; ++rows) {
      run_.push_back(values_of_run(*executable_, rows));
      called_.push_back(values_of(jitted_(numbers({rows, 3}))));
    }
  }

  void SetUp() override { TENON_SKIP_WITHOUT_ALLOCATING_CHILDREN(); }

  static std::vector<float> values_of_run(const Executable& executable, int64_t rows) {
    const std::vector<Buffer> outputs =
        executable.run({numbers({rows, 8}).buffer(), numbers({8, 4}, 1).buffer()});
    return {outputs[0].as<float>(), outputs[0].as<float>() + outputs[0].size()};
  }
  bool runs(const Executable& executable, int64_t rows) const {
    return values_of_run(executable, rows) == run_.at(static_cast<size_t>(rows - 1));
  }
  bool calls(int64_t rows) const {
    return values_of(jitted_(numbers({rows, 3}))) == called_.at(static_cast<size_t>(rows - 1));
  }
  static bool evaluates(unsigned number) {
    const std::vector<double> values = values_of(program(ones({2}), number));
    return testing::Matches(testing::Pointwise(testing::DoubleNear(1e-5), program_of_one(number)))(
        values);
  }

  /// Calls work(i) for i = 0, 1, … on a thread until the test ends.
  void start(std::function<bool(int)> work) {
    threads_.emplace_back([this, work = std::move(work)](std::stop_token stop) {
      for (int i = 0; !stop.stop_requested(); ++i) {
        if (!work(i)) ++wrong_;
      }
    });
  }

  void expect_right_children(int count, const std::function<bool(int)>& child) {
    for (int i = 0; i < count; ++i) {
      ASSERT_EQ(test::exit_code_of_child([&] { return child(i) ? 0 : 1; }), 0) << "child " << i;
    }
    threads_.clear();
    EXPECT_EQ(wrong_, 0);
  }

  std::unique_ptr<Graph> graph_;
  std::shared_ptr<const Executable> executable_;
  Jitted<std::function<Tensor(Tensor)>> jitted_;
  std::vector<std::vector<float>> run_;
  std::vector<std::vector<double>> called_;
  std::atomic<int> wrong_ = 0;
  std::vector<std::jthread> threads_;
};

/// All sizes from 1 to kRows, again and again.
int64_t rows_of(int i) { return i % kRows + 1; }

TEST_F(ForkWhileOthers, RunAndCompileExecutables) {
  start([&](int i) { return runs(*executable_, rows_of(i)); });
  start([&](int i) {
    const std::shared_ptr<const Executable> made = compile(*graph_, core_ops());
    return runs(*made, rows_of(i));
  });
  expect_right_children(25, [&](int i) {
    return runs(*executable_, rows_of(i)) && runs(*compile(*graph_, core_ops()), rows_of(i + 1));
  });
}

TEST_F(ForkWhileOthers, EvaluateProgramsThatAreNew) {
  clear_plan_cache();
  start([](int i) { return evaluates(static_cast<unsigned>(i) % 32); });
  start([](int i) { return evaluates(32 + static_cast<unsigned>(i) % 32); });
  start([](int i) {  // one family, whose plan gets symbols
    if (i % 4 == 0) clear_plan_cache();
    const int64_t rows = 2 + i % 7;
    return sum(program(ones({rows, 2}), 40)).item() > 0;
  });
  expect_right_children(25, [](int i) {
    const int64_t rows = 2 + i % 9;
    const double one = program_of_one(40)[0];
    const double sum_of_all = sum(program(ones({rows, 2}), 40)).item();
    return evaluates(static_cast<unsigned>(i)) && evaluates(63 - static_cast<unsigned>(i)) &&
           std::abs(sum_of_all - 2.0 * static_cast<double>(rows) * one) < 1e-4;
  });
}

TEST_F(ForkWhileOthers, CallAJittedFunction) {
  start([&](int i) { return calls(rows_of(i)); });
  start([&](int i) { return calls(rows_of(2 * i)); });
  expect_right_children(25, [&](int i) {
    // More versions than are kept.
    for (int k = 0; k < kRows; ++k) {
      if (!calls(rows_of(i + k))) return false;
    }
    return true;
  });
}

TEST_F(ForkWhileOthers, EvaluateTheSameTensors) {
  for (int round = 0; round < 20; ++round) {
    std::vector<Tensor> tensors;
    for (int i = 0; i < 300; ++i) tensors.push_back(ones({2}) * i + round);
    std::atomic<bool> begun = false;
    const std::jthread other([&] {
      for (const Tensor& tensor : tensors) {
        tensor.eval();
        begun = true;
      }
    });
    while (!begun) std::this_thread::yield();
    const int code = test::exit_code_of_child([&] {
      for (int i = 299; i >= 0; --i) {
        if (tensors[static_cast<size_t>(i)].item(1) != i + round) return 1;
      }
      return 0;
    });
    ASSERT_EQ(code, 0) << "round " << round;
  }
}

TEST_F(ForkWhileOthers, DoAllOfIt) {
  start([&](int i) { return runs(*compile(*graph_, core_ops()), rows_of(i)); });
  start([&](int i) { return evaluates(static_cast<unsigned>(i) % 64) && calls(rows_of(i)); });
  start([&](int i) { return runs(*executable_, rows_of(i)) && calls(rows_of(3 * i)); });
  expect_right_children(25, [&](int i) {
    return calls(rows_of(i)) && evaluates(static_cast<unsigned>(2 * i)) &&
           runs(*executable_, rows_of(i));
  });
}

TEST(Fork, AJittedFunctionMayForkWhileItIsTraced) {
  TENON_SKIP_WITHOUT_CHILDREN();
  int code = -1;
  auto f = jit([&](Tensor x) {
    if (code == -1) {
      const auto child = [] { return (ones({3}) * 2).item(1) == 2 ? 0 : 1; };
      code = 0;
      code = test::exit_code_of_child(child);
    }
    return x + 1;
  });
  EXPECT_EQ(f(ones({2})).item(0), 2);
  EXPECT_EQ(code, 0);
}

}  // namespace
}  // namespace tenon
