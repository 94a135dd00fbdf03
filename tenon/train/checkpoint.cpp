#include "tenon/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/json.h"
#include "tenon/base/log.h"
#include "tenon/format/safetensors.h"

namespace tenon::train {

namespace {

constexpr const char* kKey = "tenon.checkpoint";
constexpr const char* kPrefix = "step-";
constexpr int kFormatVersion = 1;

}  // namespace

std::filesystem::path CheckpointFolder::write(const Checkpoint& checkpoint, int keep) const {
  create_folder(folder_);
  NamedLiterals literals;
  std::vector<std::string> order;
  for_each_leaf(checkpoint.state, [&](const std::string& path, const Tensor& leaf) {
    order.push_back(path);
    literals.emplace(path, leaf.literal());
  });
  Json meta = {{"version", kFormatVersion},
               {"epoch", checkpoint.epoch},
               {"step", checkpoint.step},
               {"order", order}};
  Json notes = Json::object();
  for (const auto& [key, text] : checkpoint.notes) notes[key] = text;
  meta["notes"] = notes;
  // The name sorts by time: epochs, then steps within the epoch; longer numbers are later.
  std::filesystem::path path = folder_ / fmt::format("{}{:05}-{:08}.safetensors", kPrefix,
                                                     checkpoint.epoch, checkpoint.step);
  write_safetensors(path, views_of(literals), {{kKey, dump_json(meta, JsonStyle::compact)}});
  std::vector<std::filesystem::path> all = files();
  // Counted from the new one: a newer one that could not be read must not push it out.
  auto old = std::ranges::find(all, path.filename(), &std::filesystem::path::filename);
  for (int kept = 0; old != all.end(); ++old, ++kept) {
    std::error_code ignored;  // an old checkpoint that stays does no harm
    if (kept >= std::max(1, keep)) std::filesystem::remove(*old, ignored);
  }
  return path;
}

std::vector<std::filesystem::path> CheckpointFolder::files() const {
  std::vector<std::filesystem::path> found;
  std::error_code missing;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, missing)) {
    std::string name = entry.path().filename().string();
    if (name.starts_with(kPrefix) && name.ends_with(".safetensors")) found.push_back(entry.path());
  }
  const auto age = [](const std::filesystem::path& path) {
    return std::pair(path.string().size(), path);
  };
  std::ranges::sort(found, std::ranges::greater(), age);
  return found;
}

namespace {

Checkpoint checkpoint_of(const SafetensorsFile& file, std::string_view name) {
  auto meta = file.metadata().find(kKey);
  if (meta == file.metadata().end()) {
    fail(ErrorCode::invalid_argument, "{} is no checkpoint: its metadata lack '{}'", name, kKey);
  }
  std::string source = fmt::format("{} (metadata)", name);
  Json json = parse_json(meta->second, source);
  int64_t version = json_integer(json, "version", source);
  if (version > kFormatVersion) {
    fail(ErrorCode::unsupported,
         "{}: checkpoint format {} is newer than this build, which reads up to {}", name, version,
         kFormatVersion);
  }
  Checkpoint checkpoint;
  checkpoint.path = name;
  checkpoint.epoch = json_integer(json, "epoch", source);
  checkpoint.step = json_integer(json, "step", source);
  if (checkpoint.epoch < 0 || checkpoint.step < 0) {
    fail(ErrorCode::corrupt, "{}: epoch {} and step {} cannot be", source, checkpoint.epoch,
         checkpoint.step);
  }
  checkpoint.notes = json_texts(json, "notes", source);
  for (const std::string& leaf : json_strings(json, "order", source))
    checkpoint.state.set(leaf, Tensor(file.read(leaf)));
  return checkpoint;
}

}  // namespace

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  return checkpoint_of(SafetensorsFile(path), path.string());
}

Checkpoint parse_checkpoint(std::span<const std::byte> bytes, std::string_view name) {
  return checkpoint_of(SafetensorsFile(bytes, name), name);
}

std::optional<Checkpoint> CheckpointFolder::latest() const {
  std::vector<std::filesystem::path> all = files();
  for (const std::filesystem::path& path : all) {
    try {
      return read_checkpoint(path);
    } catch (Error& error) {
      if (path != all.back()) {
        log_warning("passing over a checkpoint: {}", error.message());
        continue;
      }
      // Beginning anew would write over what somebody may still want to save.
      throw error.note("no other checkpoint is left in {}", folder_.string())
          .note("hint: --fresh, or another folder, starts anew");
    }
  }
  return std::nullopt;
}

}  // namespace tenon::train
