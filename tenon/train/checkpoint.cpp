#include "tenon/train/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/files.h"
#include "tenon/base/json.h"
#include "tenon/base/log.h"
#include "tenon/base/strings.h"
#include "tenon/format/safetensors.h"

namespace tenon::train {

namespace {

constexpr const char* kKey = "tenon.checkpoint";
constexpr const char* kPrefix = "step-";
constexpr const char* kSuffix = ".safetensors";
constexpr int kFormatVersion = 1;

/// Epoch and step of "step-00003-00000128.safetensors"; nothing for other names, such as that of a
/// copy.
std::optional<std::pair<int64_t, int64_t>> position_of(const std::string& name) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return std::nullopt;
  const std::string_view numbers = std::string_view(name).substr(
      std::strlen(kPrefix), name.size() - std::strlen(kPrefix) - std::strlen(kSuffix));
  if (numbers.find_first_not_of("0123456789-") != std::string_view::npos) return std::nullopt;
  const std::vector<std::string> parts = split(numbers, '-');
  if (parts.size() != 2) return std::nullopt;
  const auto epoch = parse_int(parts[0]), step = parse_int(parts[1]);
  if (!epoch || !step) return std::nullopt;
  return std::pair(*epoch, *step);
}

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
  std::filesystem::path path =
      folder_ / fmt::format("{}{:05}-{:08}{}", kPrefix, checkpoint.epoch, checkpoint.step, kSuffix);
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
    if (position_of(entry.path().filename().string())) found.push_back(entry.path());
  }
  const auto age = [](const std::filesystem::path& path) {
    return std::pair(position_of(path.filename().string()), path);
  };
  std::ranges::sort(found, std::ranges::greater(), age);
  return found;
}

void CheckpointFolder::remove_all() const {
  for (const std::filesystem::path& path : files()) std::filesystem::remove(path);
}

namespace {

Checkpoint checkpoint_of(const SafetensorsFile& file, std::string_view name) {
  auto meta = file.metadata().find(kKey);
  if (meta == file.metadata().end()) {
    fail(ErrorCode::invalid_argument, "{} is not a checkpoint: its metadata lacks '{}'", name,
         kKey);
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

bool is_checkpoint(const SafetensorsFile& file) { return file.metadata().contains(kKey); }

}  // namespace tenon::train
