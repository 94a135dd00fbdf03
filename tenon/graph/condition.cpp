#include "tenon/graph/condition.h"

#include "tenon/base/error.h"

namespace tenon {

namespace {

thread_local ConditionRecorder* recorder = nullptr;

/// Sizes of 0 and 1 broadcast and vanish; programs for them are made apart.
constexpr int64_t kLeastSymbol = 2;

/// Whether the dimension cannot be 0 where its symbols are at least `least`.
bool never_zero(const Dim& dim, int64_t least) {
  std::vector<std::string> symbols;
  dim.collect_symbols(symbols);
  std::map<std::string, SymbolBounds, std::less<>> bounds;
  for (const std::string& symbol : symbols) bounds[symbol] = {.low = least, .high = {}};
  DimRange range = dim.range(bounds);
  return (range.low && *range.low > 0) || (range.high && *range.high < 0);
}

}  // namespace

bool DimCondition::holds(const SymbolValues& values) const {
  const int64_t a = left.evaluate(values), b = right.evaluate(values);
  if (kind == Kind::different) return a != b;
  // -1 divides everything, the smallest number too, whose remainder C++ does not define.
  return b == 0 || (b != -1 && a % b != 0);
}

bool DimCondition::always_holds(int64_t least) const {
  try {
    return kind == Kind::different && never_zero(left - right, least);
  } catch (const Error&) {
    return false;  // too large to tell
  }
}

std::string DimCondition::to_string() const {
  return kind == Kind::different ? left.to_string() + " != " + right.to_string()
                                 : left.to_string() + " % " + right.to_string() + " != 0";
}

ConditionRecorder::ConditionRecorder() : outer_(recorder) { recorder = this; }

ConditionRecorder::~ConditionRecorder() {
  recorder = outer_;
  if (!outer_) return;
  for (DimCondition& condition : conditions_) outer_->add(std::move(condition));
}

void ConditionRecorder::add(DimCondition condition) {
  if (known_.insert(condition.to_string()).second) conditions_.push_back(std::move(condition));
}

std::vector<DimCondition> ConditionRecorder::take() const {
  std::vector<DimCondition> result;
  for (const DimCondition& condition : conditions_) {
    bool known = false;  // the other way round
    for (const DimCondition& other : result) {
      known = known || (condition.kind == DimCondition::Kind::different &&
                        other.kind == condition.kind && other.left.always_equals(condition.right) &&
                        other.right.always_equals(condition.left));
    }
    if (!known && !condition.always_holds(kLeastSymbol)) result.push_back(condition);
  }
  return result;
}

void ConditionRecorder::note(DimCondition::Kind kind, const Dim& left, const Dim& right) {
  if (recorder) recorder->add({kind, left, right});
}

ConditionPause::ConditionPause() : paused_(recorder) { recorder = nullptr; }
ConditionPause::~ConditionPause() { recorder = paused_; }

}  // namespace tenon
