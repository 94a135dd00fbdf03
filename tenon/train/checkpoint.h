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
#include <span>
#include <string>
#include <string_view>

#include "tenon/tensor/tree.h"

namespace tenon {
class SafetensorsFile;
}

namespace tenon::train {

struct Checkpoint {
  Tree state = {};    // parameters, optimiser slots, model state, step
  int64_t epoch = 0;  // epochs finished
  int64_t step = 0;   // steps done in the current epoch
  /// What the run records beside tensors: its seed, its history.
  std::map<std::string, std::string> notes = {};
  std::filesystem::path path = {};  // where it was read from
};

class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Written whole or not at all; then older ones beyond `keep` go. A failure leaves the earlier
  /// ones as they were.
  std::filesystem::path write(const Checkpoint& checkpoint, int keep = 2) const;
  /// The newest one that can be read; one that cannot is reported as a warning and passed over.
  /// Nothing for a folder without any; the error of the oldest where none can be read.
  std::optional<Checkpoint> latest() const;
  /// Newest first: those named step-EPOCH-STEP.safetensors. Any other file, such as a copy under
  /// another name, is none of this class's business.
  std::vector<std::filesystem::path> files() const;
  /// Those of files().
  void remove_all() const;
  const std::filesystem::path& folder() const& { return folder_; }
  std::filesystem::path folder() && { return std::move(folder_); }

 private:
  std::filesystem::path folder_;
};

/// Errors name the file: corrupt with the byte, or invalid_argument for a safetensors file that is
/// no checkpoint.
Checkpoint read_checkpoint(const std::filesystem::path& path);
/// From memory; `name` stands for the file in errors.
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::string_view name);
/// Whether a file that is read holds a checkpoint.
bool is_checkpoint(const SafetensorsFile& file);

}  // namespace tenon::train
