#include "tenon/base/inline_array.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace tenon {
namespace {

using Numbers = InlineArray<size_t, 4>;

/// Whether the elements lie inside the object.
bool is_inside(const Numbers& numbers) {
  const auto* object = reinterpret_cast<const std::byte*>(&numbers);
  const auto* elements = reinterpret_cast<const std::byte*>(numbers.data());
  return elements >= object && elements < object + sizeof numbers;
}

TEST(InlineArray, IsOnTheHeapOnlyBeyondItsSize) {
  for (size_t size : {0, 1, 4, 5, 100}) {
    const Numbers numbers(size, [](size_t i) { return i * i; });
    EXPECT_EQ(numbers.size(), size);
    EXPECT_EQ(is_inside(numbers), size <= 4);
    for (size_t i = 0; i < size; ++i) EXPECT_EQ(numbers[i], i * i);
  }
}

TEST(InlineArray, ElementsAreWrittenAndGoneThrough) {
  for (size_t size : {3, 7}) {
    Numbers numbers(size);
    std::iota(numbers.begin(), numbers.end(), 1);
    numbers[1] = 10;
    std::vector<size_t> wanted(size);
    std::iota(wanted.begin(), wanted.end(), 1);
    wanted[1] = 10;
    EXPECT_EQ(std::vector<size_t>(numbers.begin(), numbers.end()), wanted);
  }
}

}  // namespace
}  // namespace tenon
