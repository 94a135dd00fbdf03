// What a program took for granted about its symbols when it asked about them.
//
//   ConditionRecorder recorder;
//   bool square = Dim::symbol("rows") == Dim::symbol("columns");    // false: not for all values
//   recorder.take()[0].to_string();                                 // "rows != columns"
#pragma once

#include <set>
#include <string>
#include <vector>

#include "tenon/graph/dim.h"

namespace tenon {

/// A program that was recorded with symbols is right only for sizes where all of its conditions
/// hold.
struct DimCondition {
  enum class Kind : uint8_t { different, indivisible };
  Kind kind = Kind::different;
  Dim left, right;

  bool holds(const SymbolValues& values) const;
  /// Whether it holds for all values of the symbols that are at least `least`.
  bool always_holds(int64_t least) const;
  std::string to_string() const;  // "2*n != m+1" or "n % 2 != 0"
  friend bool operator==(const DimCondition&, const DimCondition&) = default;
};

/// While alive, notes the questions about dimensions on this thread whose answers were "no" though
/// some values of the symbols make them "yes". They nest: what the inner one noted goes on to the
/// outer.
class ConditionRecorder {
 public:
  ConditionRecorder();
  ~ConditionRecorder();
  ConditionRecorder(const ConditionRecorder&) = delete;
  ConditionRecorder& operator=(const ConditionRecorder&) = delete;

  /// In the order in which they were asked, each once. Sizes of 0 and 1 are cases of their own:
  /// what cannot fail for symbols of at least 2 is left out.
  std::vector<DimCondition> take() const;

  /// Notes a question if somebody records on this thread.
  static void note(DimCondition::Kind kind, const Dim& left, const Dim& right);

 private:
  void add(DimCondition condition);

  ConditionRecorder* outer_;
  std::set<std::string> known_;
  std::vector<DimCondition> conditions_;
};

/// While alive, nothing is noted on this thread: for the compiler, whose answers hold for all
/// values.
class ConditionPause {
 public:
  ConditionPause();
  ~ConditionPause();
  ConditionPause(const ConditionPause&) = delete;
  ConditionPause& operator=(const ConditionPause&) = delete;

 private:
  ConditionRecorder* paused_;
};

}  // namespace tenon
