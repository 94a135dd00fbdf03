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

}  // namespace

std::filesystem::path CheckpointFolder::write(const Checkpoint& checkpoint, int keep) const {
  create_folder(folder_);
  NamedLiterals literals;
  std::vector<std::string> order;
  for_each_leaf(checkpoint.state, [&](const std::string& path, const Tensor& leaf) {
    order.push_back(path);
    literals.emplace(path, leaf.literal());
  });
  Json meta = {
      {"version", 1}, {"epoch", checkpoint.epoch}, {"step", checkpoint.step}, {"order", order}};
  Json notes = Json::object();
  for (const auto& [key, text] : checkpoint.notes) notes[key] = text;
  meta["notes"] = notes;
  // The name sorts by time: epochs, then steps within the epoch.
  std::filesystem::path path = folder_ / fmt::format("{}{:05}-{:08}.safetensors", kPrefix,
                                                     checkpoint.epoch, checkpoint.step);
  write_safetensors(path, views_of(literals), {{kKey, dump_json(meta, JsonStyle::compact)}});
  std::vector<std::filesystem::path> all = files();
  for (size_t i = static_cast<size_t>(std::max(1, keep)); i < all.size(); ++i) {
    std::error_code ignored;  // an old checkpoint that stays does no harm
    std::filesystem::remove(all[i], ignored);
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
  std::sort(found.rbegin(), found.rend());
  return found;
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  SafetensorsFile file(path);
  auto meta = file.metadata().find(kKey);
  if (meta == file.metadata().end()) {
    fail(ErrorCode::invalid_argument, "{} is no checkpoint: its metadata lack '{}'", path.string(),
         kKey);
  }
  std::string source = path.string() + " (metadata)";
  Json json = parse_json(meta->second, source);
  Checkpoint checkpoint;
  checkpoint.epoch = json_integer(json, "epoch", source);
  checkpoint.step = json_integer(json, "step", source);
  for (const auto& [key, text] : json_member(json, "notes", source).items()) {
    checkpoint.notes[key] = text.get<std::string>();
  }
  for (const Json& name : json_member(json, "order", source)) {
    std::string leaf = name.get<std::string>();
    checkpoint.state.set(leaf, Tensor(file.read(leaf)));
  }
  return checkpoint;
}

std::optional<Checkpoint> CheckpointFolder::latest() const {
  for (const std::filesystem::path& path : files()) {
    try {
      return read_checkpoint(path);
    } catch (const Error& error) {
      log_warning("passing over a checkpoint: {}", error.message());
    }
  }
  return std::nullopt;
}

}  // namespace tenon::train
