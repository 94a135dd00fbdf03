#pragma once

//   auto data = data::fashion_mnist();                    // data.train, data.test
//   auto digits = data::idx("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz");
//   auto mine = data::npz("mine.npz");                    // one column per array
//   data.train.classes()[9];                              // "ankle boot"

#include <filesystem>
#include <string>
#include <vector>

#include "tenon/data/dataset.h"

namespace tenon::data {

struct TrainTest {
  Dataset train;
  Dataset test;
};
/// Which parts to load; a part that is not loaded stays empty, and its files are not read.
enum class Parts { all, test };

/// Zalando's 60,000 + 10,000 images of clothes (arxiv.org/abs/1708.07747) from Debian's package
/// dataset-fashion-mnist: "image" u8[n,28,28,1], "label" i32[n], ten classes. Without a folder the
/// usual places are searched; Error not_found says how to install it.
TrainTest fashion_mnist(const std::filesystem::path& folder = {}, Parts parts = Parts::all);

/// The four files of the MNIST family (train-images-idx3-ubyte and so on, plain or .gz).
TrainTest idx_folder(const std::filesystem::path& folder, Parts parts = Parts::all);

/// Images and labels in IDX files: "image" u8[n,height,width,1] and "label" i32[n].
Dataset idx(const std::filesystem::path& images, const std::filesystem::path& labels);

/// Arrays of a NumPy archive as columns with the same number of rows: the named ones, or all.
/// Arrays that are not named may be anything.
Dataset npz(const std::filesystem::path& path, const std::vector<std::string>& columns);
Dataset npz(const std::filesystem::path& path);

}  // namespace tenon::data
