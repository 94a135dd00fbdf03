// Axes longer than i32 counts, in the dtype that needs the least memory: 2 GiB an array, two of
// them at a time.
#include <gmock/gmock.h>

#include <cstring>

#include "tenon/base/cpu.h"
#include "tenon/base/random.h"
#include "tenon/graph/build.h"
#include "tenon/ops/registry.h"
#include "tenon/ops/value_functions.h"
#include "tenon/runtime/caches.h"
#include "tenon/runtime/executable.h"
#include "tenon/tensor/numpy.h"
#include "tenon/tensor/op_functions.h"
#include "tests/tensor/values.h"

namespace tenon {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kCount = (int64_t{1} << 31) + 19;
constexpr int64_t kLast = kCount - 1;

/// Zeros, and a one at the end: sorted.
Buffer zeros_and_one() {
  Buffer buffer = Buffer::allocate(DType::u8, {kCount});
  std::memset(buffer.data(), 0, buffer.bytes());
  buffer.as<uint8_t>()[kLast] = 1;
  return buffer;
}

void read_positions(const Tensor& x) {
  EXPECT_EQ(argmax(x).dtype(), DType::i64);
  EXPECT_EQ(argmax(x).item_int(), kLast);
  EXPECT_EQ(argmin(x.reshape({kCount, 1}), 0).item_int(), 0);
  EXPECT_EQ(searchsorted(x, Tensor::of<uint8_t>({1}, {1})).item_int(), kLast);
  EXPECT_EQ(argsort(x).dtype(), DType::i64);
  EXPECT_EQ(top_k(x, 1)[1].dtype(), DType::i64);
  EXPECT_THAT(values_of(nonzero(x)), ElementsAre(static_cast<double>(kLast)));
}

void read_elements(const Tensor& x) {
  EXPECT_THAT(values_of(take(x, Tensor::of<int64_t>({kLast, -1, kLast - 1}, {3}))),
              ElementsAre(1, 1, 0));
  EXPECT_THAT(values_of(take(x, Tensor::of<int32_t>({-1, -2}, {2}))), ElementsAre(1, 0));
  EXPECT_THAT(values_of(x.slice(0, -2)), ElementsAre(0, 1));
  EXPECT_THAT(values_of(x.reshape({1, kCount}).slice(1, kLast)), ElementsAre(1));
  EXPECT_THAT(values_of(flip(x, 0).slice(0, 0, 2)), ElementsAre(1, 0));
  Tensor starts[] = {Tensor::of<int64_t>({kLast - 1}, {1}).reshape({})};
  EXPECT_THAT(values_of(ops::dynamic_slice(x, starts, Shape{2})), ElementsAre(0, 1));
  EXPECT_THAT(values_of(sum(x)), ElementsAre(1));
}

void write_elements(const Tensor& x) {
  {
    Tensor written = ops::scatter(x, Tensor::of<int64_t>({kLast - 1}, {1}),
                                  Tensor::of<uint8_t>({7}, {1}), 0, 0, "add");
    EXPECT_EQ(written.item(-2), 7);
    EXPECT_EQ(written.item(-1), 1);
  }
  release_idle_memory();
  {
    Tensor running = ops::cumulative_max(x, 0);
    EXPECT_EQ(running.item(-1), 1);
    EXPECT_EQ(running.item(-2), 0);
  }
  release_idle_memory();
  Tensor hot = one_hot(Tensor::of<int64_t>({kLast}, {1}).reshape({}), kCount, DType::u8);
  EXPECT_EQ(hot.item(-1), 1);
  EXPECT_EQ(hot.item(kLast - (int64_t{1} << 31)), 0);
}

/// The result's dtype was chosen before the size was known.
void find_size_later(const Buffer& buffer) {
  Graph graph("later");
  Build build(graph, core_ops());
  Value x = build.input("x", Type{DType::u8, Shape{Dim::symbol("n")}});
  graph.set_outputs({argmax(x, 0).id()});
  auto executable = compile(graph, core_ops());
  EXPECT_THAT(error_of([&] { executable->run({buffer}); }),
              HasSubstr("argmax: an axis of 2147483667 elements has positions that i32 does not"));
}

/// One test, so that the arrays of several are not in memory at a time.
TEST(HugeAxis, IsReadAndWrittenToItsEnd) {
  constexpr uint64_t kNeeded = uint64_t{6} << 30;
  if (available_memory() < kNeeded) GTEST_SKIP() << "less than 6 GiB are free";
  Buffer buffer = zeros_and_one();
  Tensor x(buffer);
  read_positions(x);
  read_elements(x);
  find_size_later(buffer);
  write_elements(x);
  release_idle_memory();
}

TEST(HugeAxis, IsCountedInI64OrAnError) {
  EXPECT_THAT(error_of([] { arange(Dim(kCount), DType::i32).slice(0, kLast).eval(); }),
              HasSubstr("the number 2147483666 does not fit i32"));
  EXPECT_EQ(arange(Dim(kCount)).dtype(), DType::i64);
  EXPECT_EQ(arange(Dim(kCount)).slice(0, kLast).item_int(), kLast);
}

/// Fused: only the elements that are looked at are made.
TEST(HugeAxis, HasRandomBitsAtEveryPosition) {
  Tensor key = Tensor::of<int64_t>({5, 0}, {2});
  Tensor bits = ops::random_bits(key, Shape{kCount}).slice(0, kLast - 1);
  RandomKey seed(5);
  EXPECT_EQ(static_cast<uint32_t>(bits.item_int(0)),
            random_bits(seed, static_cast<uint64_t>(kLast - 1)));
  EXPECT_EQ(static_cast<uint32_t>(bits.item_int(1)),
            random_bits(seed, static_cast<uint64_t>(kLast)));
}

}  // namespace
}  // namespace tenon
