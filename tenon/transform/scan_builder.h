#pragma once

// Builds a scan whose inputs are declared one by one while its body is written. Private to
// transform/.

#include <memory>
#include <string>
#include <vector>

#include "tenon/graph/build.h"

namespace tenon::detail {

///   ScanBuilder loop(build, "cumsum", length, /*reverse=*/false);
///   Value total = loop.carry(zero);           // values of the body
///   Value x = loop.x(xs);
///   loop.set_next(0, total + x);
///   size_t y = loop.y(total);
///   loop.finish();
///   loop.final_carry(0), loop.stack(y);       // values outside
class ScanBuilder {
 public:
  ScanBuilder(Build& outer, std::string name, Dim length, bool reverse);

  Build& body() { return body_; }
  /// Carries are numbered in the order of these calls.
  Value carry(const Value& initial);
  /// A slice of `array` along axis 0.
  Value x(const Value& array);
  Value invariant(const Value& value);
  size_t carry_count() const { return carries_.size(); }

  void set_next(size_t carry, const Value& value) { next_[carry] = value; }
  /// A value to output in every step. A slice of an array is free: the array is its stack.
  size_t y(const Value& value);

  /// Adds the scan. Inputs that the body does not read are omitted.
  void finish();
  const Value& final_carry(size_t carry) const { return results_[carry]; }
  Value stack(size_t y) const;

 private:
  struct Input {
    Value inside, outside;
  };
  Value add(std::vector<Input>& inputs, const char* prefix, Type type, const Value& outside);

  Build& outer_;
  std::unique_ptr<Graph> graph_;
  Build body_;
  Dim length_;
  bool reverse_;
  std::vector<Input> carries_, xs_, invariants_;
  std::vector<Value> next_;  // of the carries
  std::vector<Value> ys_;
  std::vector<size_t> y_refs_;  // y(): its position in ys_, or kArray + position in xs_
  std::vector<Value> results_;
  static constexpr size_t kArray = size_t{1} << 32;
};

}  // namespace tenon::detail
