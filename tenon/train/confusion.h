// A sparse confusion matrix.
//
//   train::Confusion confusion(3);
//   confusion.add(/*label=*/0, /*predicted=*/2);
//   confusion.at(0, 2);                      // 1
//   confusion.total(0);                      // 1: examples of that label
//   confusion.most_frequent(20);             // mistakes: {{0, 2, 1}}
#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace tenon::train {

/// Stores only the mistakes that occur: a table would grow with the square of the classes.
class Confusion {
 public:
  Confusion() = default;  // if labels are not classes
  explicit Confusion(int64_t classes)
      : right_(static_cast<size_t>(classes)), total_(static_cast<size_t>(classes)) {}

  void add(int64_t label, int64_t predicted);

  bool empty() const { return total_.empty(); }
  int64_t classes() const { return static_cast<int64_t>(total_.size()); }
  /// Whether it is small enough to show as a table.
  bool fits_a_table() const { return classes() <= 50; }
  int64_t at(int64_t label, int64_t predicted) const;
  /// Examples of a label.
  int64_t total(int64_t label) const { return total_.at(static_cast<size_t>(label)); }
  int64_t right(int64_t label) const { return right_.at(static_cast<size_t>(label)); }
  /// NaN for a label without examples.
  double accuracy(int64_t label) const;

  struct Count {
    int64_t label, predicted, count;
    friend bool operator==(const Count&, const Count&) = default;
  };
  /// By label, then by predicted class.
  std::vector<Count> mistakes() const;
  /// The most frequent of mistakes(), in descending order.
  std::vector<Count> most_frequent(size_t limit) const;
  /// Labels that have examples, the lowest accuracy first.
  std::vector<int64_t> worst_classes(size_t limit) const;

 private:
  std::vector<int64_t> right_, total_;                    // by label
  std::map<std::pair<int64_t, int64_t>, int64_t> wrong_;  // by label and predicted class
};

/// How many of each to show if the table would be too large.
inline constexpr size_t kFrequentMistakesShown = 20;
inline constexpr size_t kWorstClassesShown = 100;

}  // namespace tenon::train
