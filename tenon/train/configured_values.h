// Values of a configuration, checked, with errors that name their place. Private to train/.
//
//   std::string source = choose(section, "source", "npz", {"idx", "npz"});
//   int64_t epochs = count_of(train, "epochs", 1, /*least=*/1);
//   nn::ModelFunction model = at_key(section, "name", [&] { return make(section.get_string("name")); });
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "tenon/base/configuration.h"
#include "tenon/base/error.h"
#include "tenon/data/dataset.h"

namespace tenon::train {

/// One of a few words; the error names the position and suggests the closest word.
std::string choose(const Configuration& config, std::string_view key, std::string_view otherwise,
                   std::initializer_list<std::string> words);
/// An integer, at least `least`.
int64_t count_of(const Configuration& config, std::string_view key, int64_t otherwise,
                 int64_t least);
/// A number that f32 can hold.
double real_of(const Configuration& config, std::string_view key, double otherwise);

/// Adds the position of a key's value to errors that do not have one yet.
template <class F>
decltype(auto) at_key(const Configuration& config, std::string_view key, F f) {
  try {
    return f();
  } catch (Error& error) {
    bool placed = std::ranges::any_of(error.notes(), [](const std::string& note) {
      return note.starts_with("at ") || note.starts_with("in ");
    });
    std::string where = config.where(key);
    if (!placed && !where.empty()) error.note("at {}", where);
    throw;
  }
}

/// The data set with its labels in another dtype.
data::Dataset labels_as(DType dtype, data::Dataset dataset, const std::string& label);

}  // namespace tenon::train
