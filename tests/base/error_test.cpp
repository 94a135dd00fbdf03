#include "tenon/base/error.h"

#include <gtest/gtest.h>

namespace tenon {
namespace {

TEST(Error, PrintsMessageThenIndentedNotes) {
  const Error error = make_error(ErrorCode::shape_mismatch, "dense: inner dimensions differ")
                          .note("input  f32[{},{}]", 8, 64)
                          .note("hint: the model now has width = {}", 64);
  EXPECT_EQ(error.code(), ErrorCode::shape_mismatch);
  EXPECT_EQ(error.message(), "dense: inner dimensions differ");
  EXPECT_EQ(error.notes().size(), 2u);
  EXPECT_STREQ(
      error.what(),
      "dense: inner dimensions differ\n  input  f32[8,64]\n  hint: the model now has width = 64");
}

TEST(Error, CaughtByReferenceCanGainNotes) {
  try {
    try {
      fail(ErrorCode::not_found, "no op named '{}'", "rleu");
    } catch (Error& error) {
      error.note("in graph {}", "lenet");
      throw;
    }
  } catch (const std::exception& error) {
    EXPECT_STREQ(error.what(), "no op named 'rleu'\n  in graph lenet");
  }
}

TEST(Error, FailedCheckIsInternalAndNamesItsPlace) {
  try {
    check(false, "ids are dense");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::internal);
    EXPECT_NE(error.notes().at(0).find("error_test.cpp"), std::string::npos);
  }
}

TEST(Error, CodesHaveNames) { EXPECT_EQ(name_of(ErrorCode::type_mismatch), "type_mismatch"); }

}  // namespace
}  // namespace tenon
