#include "tenon/graph/literal.h"

#include <gtest/gtest.h>

#include "tenon/base/error.h"
#include "tenon/runtime/buffer.h"

namespace tenon {
namespace {

template <class F>
ErrorCode code_of(F f) {
  try {
    f();
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::internal;
}

TEST(Literal, SizesBeyondMemoryAreErrors) {
  const int64_t huge = int64_t{1} << 58;
  // 64 * 2^58 is 0 in 64 bits.
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{64, huge}, {INT64_MAX}, {huge, huge, huge}}) {
    EXPECT_EQ(code_of([&] { Literal value(DType::f32, shape); }), ErrorCode::out_of_range);
    EXPECT_EQ(code_of([&] { Buffer::allocate(DType::f64, shape); }), ErrorCode::out_of_range);
  }
  EXPECT_EQ(code_of([&] { Literal value(DType::f64, {huge}); }), ErrorCode::resource_exhausted);
  EXPECT_EQ(code_of([&] { Buffer::allocate(DType::f64, {huge}); }), ErrorCode::resource_exhausted);
  EXPECT_EQ(Literal(DType::f32, {huge, huge, 0}).size(), 0);
}

TEST(Literal, WhatIsMovedKeepsItsMemory) {
  Literal value = Literal::of<int32_t>({2, 3}, {0, 1, 2, 3, 4, 5});
  const std::byte* memory = value.data();
  const Literal copy = value.reshaped({6});
  EXPECT_NE(copy.data(), memory);
  value = std::move(value).reshaped({3, 2});
  EXPECT_EQ(value.data(), memory);
  EXPECT_EQ(code_of([&] { std::move(value).reshaped({5}); }), ErrorCode::shape_mismatch);
  value.keep_rows(2);
  EXPECT_EQ(value, Literal::of<int32_t>({2, 2}, {0, 1, 2, 3}));
  const Literal empty = Literal::uninitialized(DType::f32, {0, 3});
  EXPECT_EQ(empty.data(), nullptr);
}

TEST(Literal, CopiesOfASealedOneShareItsMemory) {
  Literal value = Literal::of<float>({3}, {1, 2, 3});
  const Literal before = value;
  EXPECT_NE(before.data(), std::as_const(value).data());
  value.seal();
  Literal copy = value;
  EXPECT_EQ(std::as_const(copy).data(), std::as_const(value).data());
  copy.set_double(0, 7);
  EXPECT_EQ(value.at<float>(0), 1);
  EXPECT_EQ(copy.at<float>(0), 7);
  EXPECT_FALSE(copy.is_sealed());
  EXPECT_EQ(std::as_const(value).reshaped({3, 1}).blob(), value.blob());
}

TEST(Literal, WhatABufferSharesIsNeverWritten) {
  Buffer buffer = Buffer::copy_of(Literal::of<float>({2}, {1, 2}));
  EXPECT_TRUE(buffer.unique());
  {
    const Literal constant = buffer.to_constant();
    EXPECT_EQ(constant.data(), buffer.as<std::byte>());
    const Buffer same = Buffer::of(constant);
    EXPECT_EQ(same.data(), buffer.data());
    EXPECT_FALSE(same.unique());
  }
  EXPECT_FALSE(buffer.unique());
  EXPECT_TRUE(buffer.copy().unique());
  float foreign[] = {1, 2};
  const Buffer borrowed = Buffer::borrow(DType::f32, {2}, foreign);
  const Literal constant = borrowed.to_constant();
  foreign[0] = 9;
  EXPECT_EQ(constant.at<float>(0), 1);
}

TEST(Literal, MemoryThatDoesNotFitIsAnError) {
  const std::shared_ptr<Blob> blob = Blob::allocate(16);
  EXPECT_EQ(Literal::of_blob(DType::f32, {4}, blob).bytes(), 16u);
  EXPECT_EQ(code_of([&] { Literal::of_blob(DType::f32, {5}, blob); }), ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { Literal::of_blob(DType::f32, {1}, nullptr); }),
            ErrorCode::invalid_argument);
  EXPECT_EQ(code_of([&] { Literal::of_blob(DType::f32, {-1}, blob); }),
            ErrorCode::invalid_argument);
  const auto odd = Blob::borrow(blob->data() + 1, 8, {});
  EXPECT_EQ(code_of([&] { Literal::of_blob(DType::f32, {2}, odd); }), ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace tenon
