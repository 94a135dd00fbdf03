#include "tenon/nn/transfer.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "tenon/base/strings.h"

namespace tenon::nn {

namespace {

std::string renamed(const std::string& path, const TransferOptions& options) {
  for (const auto& [from, to] : options.rename) {
    if (path.starts_with(from)) return to + path.substr(from.size());
  }
  return path;
}

class Transferring {
 public:
  explicit Transferring(const TransferOptions& options) : options_(options) {}

  void take(const Tree& from, Tree& to) {
    std::map<std::string, std::pair<std::string, Tensor>> offered;  // by the new path
    for_each_leaf(from, [&](const std::string& path, const Tensor& leaf) {
      auto [known, added] = offered.try_emplace(renamed(path, options_), path, leaf);
      if (!added)
        result.unused.push_back(
            {path, fmt::format("{} has the same new path", known->second.first)});
    });
    for_each_leaf(to, [&](const std::string& path, Tensor& leaf) {
      auto offer = offered.find(path);
      if (std::ranges::any_of(options_.without,
                              [&](const std::string& p) { return matches_path(p, path); })) {
        result.kept.push_back({path, "left out as asked"});
        if (offer != offered.end())
          result.unused.push_back({offer->second.first, "left out as asked"});
      } else if (offer == offered.end()) {
        result.kept.push_back({path, "the other model has none"});
      } else if (offer->second.second.type() != leaf.type()) {
        result.kept.push_back(
            {path, fmt::format("it is {}, the other model's {}", leaf.type().to_string(),
                               offer->second.second.type().to_string())});
        result.unused.push_back({offer->second.first, "of another type"});
      } else {
        leaf = offer->second.second;
        result.taken.push_back(path);
      }
      if (offer != offered.end()) offered.erase(offer);
    });
    for (const auto& [path, offer] : offered)
      result.unused.push_back({offer.first, "the model has no " + path});
  }

  Transfer result;

 private:
  const TransferOptions& options_;
};

}  // namespace

std::string Transfer::report() const {
  std::string text =
      fmt::format("{} of {} variables taken\n", taken.size(), taken.size() + kept.size());
  for (const Left& left : kept) text += fmt::format("  kept    {}: {}\n", left.path, left.reason);
  for (const Left& left : unused) text += fmt::format("  unused  {}: {}\n", left.path, left.reason);
  return text;
}

Transfer transfer(const Variables& from, Variables to, const TransferOptions& options) {
  Transferring transferring(options);
  transferring.take(from.parameters, to.parameters);
  transferring.take(from.state, to.state);
  transferring.result.variables = std::move(to);
  return std::move(transferring.result);
}

}  // namespace tenon::nn
