// Checkpoints: everything that a run needs to go on to the same bits.
//
//   given: Tree tree;
//   train::CheckpointFolder folder("runs/lenet");
//   folder.write({.state = tree, .epoch = 1, .step = 938}, /*keep=*/2);
//   std::optional<train::Checkpoint> last = folder.latest();
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "tenon/tensor/tree.h"

namespace tenon::train {

struct Checkpoint {
  Tree state;         // parameters, optimiser slots, model state, step
  int64_t epoch = 0;  // epochs finished
  int64_t step = 0;   // steps done in the current epoch
  std::map<std::string, std::string>
      notes;  // what the run records beside tensors: history, configuration
};

class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Written whole or not at all; then older ones beyond `keep` go. A failure leaves the earlier
  /// ones as they were.
  std::filesystem::path write(const Checkpoint& checkpoint, int keep = 2) const;
  /// The newest one that can be read; one that cannot is reported as a warning and passed over.
  std::optional<Checkpoint> latest() const;
  /// Newest first.
  std::vector<std::filesystem::path> files() const;
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

Checkpoint read_checkpoint(const std::filesystem::path& path);

}  // namespace tenon::train
