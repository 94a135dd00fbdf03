#include "tenon/base/json.h"

#include <gtest/gtest.h>

#include "tenon/base/error.h"

namespace tenon {
namespace {

std::string message_of(std::string_view text) {
  try {
    parse_json(text, "x.json");
  } catch (const Error& error) {
    return error.message();
  }
  return "no error";
}

TEST(Json, KeepsTheOrderOfKeys) {
  const Json value = parse_json(R"({"z": 1, "a": [true, null]})", "x.json");
  EXPECT_EQ(dump_json(value, JsonStyle::compact), R"({"z":1,"a":[true,null]})");
}

TEST(Json, ErrorsNameLineAndColumn) {
  EXPECT_TRUE(message_of("{\n  \"a\": 1,\n  b\n}").starts_with("x.json:3:3: ")) << message_of("");
  EXPECT_TRUE(message_of("").starts_with("x.json:1:1: "));
  EXPECT_TRUE(message_of("[1").starts_with("x.json:1:3: "));
}

TEST(Json, DepthIsLimited) {
  EXPECT_EQ(message_of(std::string(100'000, '[')), "x.json: nested deeper than 500");
}

TEST(Json, NumbersBeyondDoubleAreErrors) {
  EXPECT_TRUE(message_of("[1e999]").starts_with("x.json: ")) << message_of("[1e999]");
}

TEST(Json, TextThatIsNotUtf8IsStillWritten) {
  EXPECT_EQ(dump_json(Json("a\xff"), JsonStyle::compact), "\"a\xEF\xBF\xBD\"");
}

TEST(Json, MembersAreChecked) {
  const Json value = {{"loss", 0.5}, {"steps", 3}, {"name", "lenet"}};
  EXPECT_EQ(json_integer(value, "steps", "x"), 3);
  EXPECT_EQ(json_string(value, "name", "x"), "lenet");
  EXPECT_THROW(json_integer(value, "loss", "x"), Error);
  EXPECT_THROW(json_string(value, "loss", "x"), Error);
  EXPECT_THROW(json_member(Json(3), "loss", "x"), Error);
  try {
    json_integer(value, "los", "x.json");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "x.json: 'los' is missing\n  did you mean 'loss'?");
  }
}

}  // namespace
}  // namespace tenon
