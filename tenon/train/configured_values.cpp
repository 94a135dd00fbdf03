#include "tenon/train/configured_values.h"

#include <cmath>
#include <utility>
#include <vector>

#include "tenon/base/strings.h"

namespace tenon::train {

std::string choose(const Configuration& config, std::string_view key, std::string_view otherwise,
                   std::initializer_list<std::string> words) {
  std::string word = config.get_string(key, otherwise);
  std::vector<std::string> known(words);
  if (std::find(known.begin(), known.end(), word) != known.end()) return word;
  throw make_error(ErrorCode::invalid_argument, "{} '{}' is not known", key, word)
      .note("at {}", config.where(key))
      .note("hint: {}", hint(word, known));
}

int64_t count_of(const Configuration& config, std::string_view key, int64_t otherwise,
                 int64_t least) {
  int64_t count = config.get_int(key, otherwise);
  if (count >= least) return count;
  fail(ErrorCode::out_of_range, "{}: {} is {}, it must be at least {}", config.where(key), key,
       count, least);
}

double real_of(const Configuration& config, std::string_view key, double otherwise) {
  double number = config.get_double(key, otherwise);
  if (std::isfinite(static_cast<float>(number))) return number;
  fail(ErrorCode::out_of_range, "{}: {} is {}, beyond what f32 can hold", config.where(key), key,
       number);
}

data::Dataset labels_as(DType dtype, data::Dataset dataset, const std::string& label) {
  const Literal& given = dataset[label];
  Literal labels = Literal::uninitialized(dtype, given.shape());
  for (int64_t i = 0; i < labels.size(); ++i) {
    if (is_floating(given.dtype())) {
      Number(given.to_double(i)).check_fits(dtype, label);
      labels.set_double(i, given.to_double(i));
    } else {
      Number(given.to_int(i)).check_fits(dtype, label);
      labels.set_int(i, given.to_int(i));
    }
  }
  return dataset.replace(label, std::move(labels));
}

}  // namespace tenon::train
