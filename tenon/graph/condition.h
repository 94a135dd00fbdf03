// The assumptions of a program about its symbols, recorded when it compared them.
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

/// A program that was recorded with symbols is valid only for sizes that satisfy all of its
/// conditions.
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

/// While alive, records comparisons of dimensions on this thread that were answered "no" although
/// some values of the symbols make them true. Recorders nest: the outer one gets the conditions of
/// the inner.
class ConditionRecorder {
 public:
  ConditionRecorder();
  ~ConditionRecorder();
  ConditionRecorder(const ConditionRecorder&) = delete;
  ConditionRecorder& operator=(const ConditionRecorder&) = delete;

  /// In the order of the comparisons, without duplicates. Sizes of 0 and 1 are special cases, so
  /// conditions that cannot fail for symbols of at least 2 are omitted.
  std::vector<DimCondition> take() const;

  /// Records a comparison if a recorder is active on this thread.
  static void note(DimCondition::Kind kind, const Dim& left, const Dim& right);

 private:
  void add(DimCondition condition);

  ConditionRecorder* outer_;
  std::set<std::string> known_;
  std::vector<DimCondition> conditions_;
};

/// While alive, nothing is recorded on this thread: for the compiler, whose conclusions hold for
/// all values.
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
