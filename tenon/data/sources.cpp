#include "tenon/data/sources.h"

#include <cstdlib>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "tenon/base/error.h"
#include "tenon/base/log.h"
#include "tenon/base/strings.h"
#include "tenon/format/idx.h"
#include "tenon/format/npy.h"

namespace tenon::data {

namespace {

namespace fs = std::filesystem;

/// What takes long is not done in silence.
void announce(const fs::path& path) {
  constexpr uint64_t kLarge = uint64_t{256} << 20;
  std::error_code none;  // a pipe has no size, a missing file an error of its reader's
  const uint64_t bytes = fs::file_size(path, none);
  if (!none && bytes >= kLarge) log_info("reading {} ({})", path.string(), format_bytes(bytes));
}

/// Labels as the losses take them.
Literal to_i32(const Literal& labels, const fs::path& path) {
  if (is_floating(labels.dtype()) || labels.shape().size() != 1) {
    throw make_error(ErrorCode::type_mismatch, "{}: {} are not labels", path.string(),
                     labels.type().to_string())
        .note("expected: one integer per image");
  }
  Literal result = Literal::uninitialized(DType::i32, labels.shape());
  auto values = result.values<int32_t>();
  for (size_t i = 0; i < values.size(); ++i) {
    const int64_t label = labels.to_int(static_cast<int64_t>(i));
    Number(label).check_fits(DType::i32, path.string());
    values[i] = static_cast<int32_t>(label);
  }
  return result;
}

/// `name` in the folder, packed or not.
fs::path file_in(const fs::path& folder, const std::string& name) {
  for (const auto& path : {folder / (name + ".gz"), folder / name}) {
    if (fs::exists(path)) return path;
  }
  throw make_error(ErrorCode::not_found, "{}: no file {}.gz", folder.string(), name)
      .note("expected: the four files of the MNIST family, plain or gzipped");
}

Dataset half_of(const fs::path& folder, const std::string& prefix) {
  const fs::path images = file_in(folder, prefix + "-images-idx3-ubyte");
  return idx(images, file_in(folder, prefix + "-labels-idx1-ubyte"));
}

fs::path find_fashion_mnist() {
  std::vector<fs::path> places = {"/usr/share/datasets/fashion-mnist",
                                  "/usr/local/share/datasets/fashion-mnist"};
  if (const char* data = std::getenv("TENON_DATA"); data != nullptr && *data != '\0') {
    places.insert(places.begin(), fs::path(data) / "fashion-mnist");
  }
  for (const fs::path& place : places) {
    if (fs::is_directory(place)) return place;
  }
  Error error(ErrorCode::not_found, "fashion-mnist: the data set is not installed");
  for (const fs::path& place : places) error.note("looked in {}", place.string());
  error.note("hint: sudo apt install dataset-fashion-mnist");
  error.note("hint: or set TENON_DATA to the folder that has fashion-mnist/ in it");
  throw error;
}

}  // namespace

Dataset idx(const fs::path& images, const fs::path& labels) {
  announce(images);
  Literal pixels = read_idx(images);
  std::vector<int64_t> shape = pixels.shape();
  if (shape.size() != 3 && shape.size() != 4) {
    throw make_error(ErrorCode::shape_mismatch, "{}: {} are not images", images.string(),
                     pixels.type().to_string())
        .note("expected: [n,height,width] or [n,height,width,channels]");
  }
  if (shape.size() == 3) {
    shape.push_back(1);
    pixels = std::move(pixels).reshaped(shape);
  }
  try {
    return Dataset({{"image", std::move(pixels)}, {"label", to_i32(read_idx(labels), labels)}});
  } catch (Error& error) {
    if (error.code() == ErrorCode::shape_mismatch) {
      error.note("images {}", images.string()).note("labels {}", labels.string());
    }
    throw;
  }
}

TrainTest idx_folder(const fs::path& folder, Parts parts) {
  TrainTest result;
  if (parts == Parts::all) result.train = half_of(folder, "train");
  result.test = half_of(folder, "t10k");
  return result;
}

TrainTest fashion_mnist(const fs::path& folder, Parts parts) {
  TrainTest result = idx_folder(folder.empty() ? find_fashion_mnist() : folder, parts);
  for (Dataset* half : {&result.train, &result.test}) {
    half->set_classes({"t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt",
                       "sneaker", "bag", "ankle boot"});
  }
  return result;
}

namespace {

Dataset read_columns(const NpzFile& file, const std::vector<std::string>& columns,
                     const fs::path& path) {
  Dataset result;
  try {
    for (const std::string& name : columns) result.add(name, file.read(name));
  } catch (Error& error) {
    if (error.code() == ErrorCode::shape_mismatch) error.note("in {}", path.string());
    throw;
  }
  return result;
}

}  // namespace

Dataset npz(const fs::path& path, const std::vector<std::string>& columns) {
  announce(path);
  const NpzFile file(path);
  for (const std::string& name : columns) {
    if (file.contains(name)) continue;
    Error error = make_error(ErrorCode::not_found, "dataset: no column '{}'", name);
    error.note("in {}, which has: {}", path.string(), join(file.names(), ", "));
    const std::string near = suggest(name, file.names());
    if (!near.empty()) error.note("hint: did you mean '{}'?", near);
    throw error;
  }
  return read_columns(file, columns, path);
}

Dataset npz(const fs::path& path) {
  announce(path);
  const NpzFile file(path);
  if (file.names().empty()) {
    fail(ErrorCode::invalid_argument, "{}: there is no array in it", path.string());
  }
  return read_columns(file, file.names(), path);
}

}  // namespace tenon::data
