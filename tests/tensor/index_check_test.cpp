// Indices that are out of range: an error where they are known, zero inside compiled programs, and
// found there when index checks are switched on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <functional>

#include "tenon/nn/losses.h"
#include "tenon/ops/index_check.h"
#include "tenon/tensor/functions.h"
#include "tenon/tensor/jit.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tenon/tensor/transforms.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Tensor table() { return arange(6, DType::f32).reshape({3, 2}); }
Tensor places(const std::vector<int32_t>& values) {
  return Tensor::of(values, {static_cast<int64_t>(values.size())});
}
/// The same, but not computed yet.
Tensor pending(const std::vector<int32_t>& values) { return places(values) + 0; }

TEST(KnownIndices, ThatAreOutOfRangeAreErrors) {
  const Tensor x = table();
  const std::string beyond = "index 3 at [1] is out of range: axis 0 of f32[3,2] has size 3";
  EXPECT_THAT(error_of([&] { take(x, places({0, 3})); }), HasSubstr("take: " + beyond));
  EXPECT_THAT(error_of([&] { x[places({0, 3})]; }), HasSubstr("[…]: " + beyond));
  EXPECT_THAT(error_of([&] { x[{places({0, 3}), 0}]; }), HasSubstr("[{…}]: " + beyond));
  EXPECT_THAT(error_of([&] { ops::gather(x, places({0, 3})); }), HasSubstr("gather: " + beyond));
  EXPECT_THAT(error_of([&] { embedding(x, places({0, 3})); }), HasSubstr("embedding: " + beyond));
  EXPECT_THAT(error_of([&] { ops::scatter(x, places({0, 3}), ones({2, 2})); }),
              HasSubstr("scatter: " + beyond));
  EXPECT_THAT(error_of([&] { take(x, Tensor(-4)); }), HasSubstr("take: index -4 at []"));
  EXPECT_THAT(error_of([&] { take(x, Tensor::of<uint8_t>({200}, {1})); }), HasSubstr("index 200"));
  EXPECT_THAT(error_of([&] { take(x, Tensor::of<int64_t>({int64_t{1} << 32}, {1})); }),
              HasSubstr("index 4294967296"));
  EXPECT_THAT(error_of([&] { ops::gather(x, places({-1})); }), HasSubstr("index -1"));
  EXPECT_THAT(error_of([&] { take(x, places({2}), 1); }),
              HasSubstr("axis 1 of f32[3,2] has size 2"));
  EXPECT_THAT(
      error_of([&] { take_along_axis(x, Tensor::of<int32_t>({0, 1, 2, 0, 5, 0}, {3, 2}), 0); }),
      HasSubstr("take_along_axis: index 5 at [2,0]"));
  EXPECT_THAT(values_of(take(x, places({-3, 2}), 0)), ElementsAre(0, 1, 4, 5));
  // Evaluated results are known, too; nothing else is computed for this.
  Tensor computed = pending({7});
  EXPECT_THAT(values_of(take(x, computed)), ElementsAre(0, 0));
  computed.eval();
  EXPECT_THAT(error_of([&] { take(x, computed); }), HasSubstr("index 7"));
  Tensor lazy = pending({7});
  Tensor rows = take(x, lazy);
  EXPECT_FALSE(lazy.is_evaluated());
}

/// Memory that is zeros and takes no room where nobody writes.
class Sparse {
 public:
  explicit Sparse(size_t bytes)
      : bytes_(bytes),
        memory_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {}
  ~Sparse() { ::munmap(memory_, bytes_); }
  Sparse(const Sparse&) = delete;
  Sparse& operator=(const Sparse&) = delete;
  uint8_t* data() const { return static_cast<uint8_t*>(memory_); }

 private:
  size_t bytes_;
  void* memory_;
};

TEST(Nonzero, CountsBeyondThirtyTwoBits) {
  EXPECT_EQ(nonzero(Tensor{0, 3}).dtype(), DType::i32);
  const int64_t last = (int64_t{1} << 31) + 18;
  Sparse memory(static_cast<size_t>(last) + 1);
  memory.data()[7] = memory.data()[last] = 1;
  Tensor places = nonzero(Tensor::view(memory.data(), {last + 1}));
  EXPECT_EQ(places.dtype(), DType::i64);
  EXPECT_THAT(places.to_vector<int64_t>(), ElementsAre(7, last));
}

TEST(KnownIndices, InsideTracedFunctionsAreChecked) {
  auto f = jit([](Tensor x) { return take(x, places({5})); });
  LabelScope label("encoder");
  const std::string error = error_of([&] { f(table()); });
  EXPECT_THAT(error, HasSubstr("take: index 5 at [0] is out of range: axis 0 of f32[3,2]"));
}

/// Switched on for as long as it lives.
class Checks {
 public:
  Checks() { set_index_checks(true); }
  ~Checks() { set_index_checks(false); }
};

TEST(IndexChecks, FindTheFirstInCompiledPrograms) {
  const Tensor good = places({0, 2}), bad = places({1, 9});
  {
    auto quiet = jit([](Tensor x, Tensor i) { return ops::gather(x, i); });
    EXPECT_THAT(values_of(quiet(table(), bad)), ElementsAre(2, 3, 0, 0));
  }
  Checks on;
  auto f = jit([](Tensor x, Tensor i) {
    LabelScope label("tokens");
    return ops::gather(x, i) * 2;
  });
  EXPECT_THAT(values_of(f(table(), good)), ElementsAre(0, 2, 8, 10));
  const std::string error = error_of([&] { f(table(), bad).eval(); });
  EXPECT_THAT(error,
              HasSubstr("gather: index 9 at [1] is out of range: axis 0 of f32[3,2] has size 3"));
  EXPECT_THAT(error, HasSubstr("in tokens"));
  EXPECT_THAT(values_of(f(table(), good)), ElementsAre(0, 2, 8, 10));  // still usable

  auto rows = jit([](Tensor x, Tensor i) { return embedding(x, i); });
  EXPECT_THAT(error_of([&] { rows(table(), bad).eval(); }), HasSubstr("embedding: index 9"));
  auto writes = jit([](Tensor x, Tensor i) { return ops::scatter(x, i, ones({2, 2})); });
  EXPECT_THAT(error_of([&] { writes(table(), bad).eval(); }), HasSubstr("scatter: index 9"));
  auto looped = jit([](Tensor x, Tensor i) {
    return scan([&](Tensor carry,
                    Tensor at) { return std::pair{carry + ops::gather(x, at), carry}; },
                zeros({2}), i)
        .first;
  });
  EXPECT_THAT(values_of(looped(table(), good)), ElementsAre(4, 6));
  EXPECT_THAT(error_of([&] { looped(table(), bad).eval(); }), HasSubstr("gather: index 9 at []"));
}

TEST(IndexChecks, KnowWhatIsMeant) {
  Checks on;
  auto loss =
      jit([](Tensor logits, Tensor labels) { return sum(softmax_cross_entropy(logits, labels)); });
  EXPECT_EQ(error_of([&] { loss(table(), places({-1, 0, 1})).eval(); }), "no error");
  EXPECT_THAT(
      error_of([&] { loss(table(), places({-1, 0, 2})).eval(); }),
      HasSubstr("softmax_cross_entropy: index 2 at [2] is out of range: axis 1 of f32[3,2]"));
  // Batches of updates and of slices compute positions beside what they write.
  auto update = jit(vmap([](Tensor x, Tensor at) {
    return ops::dynamic_update_slice(x, ones({2}), std::vector<Tensor>{at});
  }));
  EXPECT_THAT(values_of(update(zeros({2, 4}), places({0, 2}))),
              ElementsAre(1, 1, 0, 0, 0, 0, 1, 1));
  auto derivative = jit(grad([](Tensor x, Tensor at) { return sum(ops::gather(x, at)); }));
  EXPECT_THAT(values_of(derivative(table(), places({0, 0, 2}))), ElementsAre(2, 2, 0, 0, 1, 1));
}

/// The index as the user wrote it, by the name of what the user called.
TEST(IndexChecks, NameTheIndexThatWasWritten) {
  Checks on;
  using Read = std::function<Tensor(Tensor, Tensor)>;
  const std::vector<std::pair<std::string, Read>> reads = {
      {"take", [](Tensor x, Tensor i) { return take(x, i); }},
      {"[…]", [](Tensor x, Tensor i) { return x[i]; }},
      {"[{…}]", [](Tensor x, Tensor i) { return x[{i, -1}]; }},
      {"take_along_axis",
       [](Tensor x, Tensor i) {
         return take_along_axis(x, broadcast_to(i.reshape({2, 1}), {2, 2}), 0);
       }},
  };
  for (const auto& [name, read] : reads) {
    auto f = jit([&read = read](Tensor x, Tensor i) {
      LabelScope label("tokens");
      return read(x, i) * 2;
    });
    const bool along = name == "take_along_axis";
    for (const Tensor& x : {table(), arange(8, DType::f32).reshape({4, 2})}) {
      EXPECT_EQ(error_of([&] { f(x, places({-3, 2})).eval(); }), "no error");
      const int64_t size = x.dim(0).constant();
      for (int64_t index : {-size - 4, size + 4}) {
        const std::string error =
            error_of([&] { f(x, Tensor::of<int64_t>({0, index}, {2})).eval(); });
        EXPECT_THAT(error, HasSubstr(fmt::format("{}: index {} at [1{}] is out of range: axis 0 of",
                                                 name, index, along ? ",0" : "")));
        EXPECT_THAT(error, HasSubstr(fmt::format("has size {}", size)));
        EXPECT_THAT(error, HasSubstr("in tokens"));
      }
    }
  }
}

TEST(IndexChecks, AreAFunctionOfTheUsersToo) {
  Tensor i = pending({0, 4});
  EXPECT_THAT(values_of(ops::check_indices(i, Shape{5})), ElementsAre(0, 4));
  EXPECT_THAT(error_of([&] { ops::check_indices(i, Shape{4}).eval(); }),
              HasSubstr("check_indices: index 4 at [1] is out of range"));
}

}  // namespace
}  // namespace tenon
