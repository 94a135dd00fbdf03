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

}  // namespace
}  // namespace tenon
