// Weights of one model for another: what fits is taken, and a report says what does not and why.
//
//   given: nn::Variables trained, fresh;
//   nn::Transfer t = nn::transfer(trained, fresh, {.rename = {{"backbone.", ""}}, .without = {"logits.**"}});
//   print("{}", t.report());                // 118 of 120 taken; logits.weight: left out as asked …
//   train::FitOptions options{.start = t.variables, .frozen = {"stage1.**"}};
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tenon/nn/scope.h"

namespace tenon::nn {

struct TransferOptions {
  /// Beginnings of paths and what stands in their place, in order; the first that fits counts.
  std::vector<std::pair<std::string, std::string>> rename = {};
  /// Patterns (matches_path) of paths of the new model that keep their own values, as a new head
  /// does.
  std::vector<std::string> without = {};
};

struct Transfer {
  /// Those of the new model, with what was taken.
  Variables variables;
  std::vector<std::string> taken;
  struct Left {
    std::string path, reason;
    friend bool operator==(const Left&, const Left&) = default;
  };
  std::vector<Left> kept;    // of the new model: they keep their own values
  std::vector<Left> unused;  // of the old model, by their own paths
  /// One line, then one for each that was not taken.
  std::string report() const;
};

/// Parameters and state of `from` at the paths that `to` has, where types are equal.
Transfer transfer(const Variables& from, Variables to, const TransferOptions& options = {});

}  // namespace tenon::nn
