// Checkpoints: everything that a run needs to resume bit for bit.
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
  /// Other data of the run: its seed, its history.
  std::map<std::string, std::string> notes = {};
  std::filesystem::path path = {};  // the file from which it was read
};

class CheckpointFolder {
 public:
  explicit CheckpointFolder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// Written whole or not at all; then deletes older ones beyond `keep`. A failure does not affect
  /// earlier ones.
  std::filesystem::path write(const Checkpoint& checkpoint, int keep = 2) const;
  /// The newest readable one; unreadable ones are skipped with a warning. None for a folder without
  /// checkpoints; if none can be read, throws the error of the oldest.
  std::optional<Checkpoint> latest() const;
  /// Newest first: files named step-EPOCH-STEP.safetensors. Other files, such as copies under
  /// another name, are ignored.
  std::vector<std::filesystem::path> files() const;
  /// Deletes the files of files().
  void remove_all() const;
  const std::filesystem::path& folder() const& { return folder_; }
  std::filesystem::path folder() && { return std::move(folder_); }

 private:
  std::filesystem::path folder_;
};

/// Errors name the file: corrupt with the byte, or invalid_argument for a safetensors file that is
/// not a checkpoint.
Checkpoint read_checkpoint(const std::filesystem::path& path);
/// From memory; `name` stands for the file in errors.
Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::string_view name);
/// Whether an open file is a checkpoint.
bool is_checkpoint(const SafetensorsFile& file);

}  // namespace tenon::train
