#include "tenon/train/confusion.h"

#include <algorithm>
#include <tuple>

namespace tenon::train {

void Confusion::add(int64_t label, int64_t predicted) {
  ++total_.at(static_cast<size_t>(label));
  if (label == predicted) {
    ++right_.at(static_cast<size_t>(label));
  } else {
    ++wrong_[{label, predicted}];
  }
}

int64_t Confusion::at(int64_t label, int64_t predicted) const {
  if (label == predicted) return right(label);
  auto found = wrong_.find({label, predicted});
  return found == wrong_.end() ? 0 : found->second;
}

double Confusion::accuracy(int64_t label) const {
  if (total(label) == 0) return NAN;
  return static_cast<double>(right(label)) / static_cast<double>(total(label));
}

std::vector<Confusion::Count> Confusion::mistakes() const {
  std::vector<Count> all;
  for (const auto& [pair, count] : wrong_) all.push_back({pair.first, pair.second, count});
  return all;
}

std::vector<Confusion::Count> Confusion::most_frequent(size_t limit) const {
  std::vector<Count> all = mistakes();
  std::ranges::sort(all, {},
                    [](const Count& c) { return std::tuple(-c.count, c.label, c.predicted); });
  all.resize(std::min(all.size(), limit));
  return all;
}

std::vector<int64_t> Confusion::worst_classes(size_t limit) const {
  std::vector<int64_t> labels;
  for (int64_t label = 0; label < classes(); ++label) {
    if (total(label) > 0) labels.push_back(label);
  }
  // Of two that are equally bad the one with more examples matters more.
  std::ranges::sort(labels, {}, [this](int64_t label) {
    return std::tuple(accuracy(label), -total(label), label);
  });
  labels.resize(std::min(labels.size(), limit));
  return labels;
}

}  // namespace tenon::train
