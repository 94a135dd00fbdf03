// Corpus BLEU (Papineni et al. 2002), number by number as sacreBLEU computes it.
#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <set>
#include <span>

#include "tenon/base/error.h"
#include "tenon/nn/metrics.h"

namespace tenon::nn::metrics {

namespace {

constexpr size_t kLongest = 4;  // tokens that are compared together

/// Sums over sentences, of tokens of any kind.
class Bleu {
 public:
  template <class Token>
  void add(const std::vector<Token>& hypothesis,
           const std::vector<std::vector<Token>>& references) {
    for (size_t n = 1; n <= kLongest; ++n) {
      std::map<std::vector<Token>, int64_t> most;
      for (const std::vector<Token>& reference : references) {
        for (const auto& [gram, count] : grams(reference, n))
          most[gram] = std::max(most[gram], count);
      }
      for (const auto& [gram, count] : grams(hypothesis, n)) {
        total_[n - 1] += static_cast<double>(count);
        if (auto there = most.find(gram); there != most.end())
          matched_[n - 1] += static_cast<double>(std::min(count, there->second));
      }
    }
    const auto length = static_cast<int64_t>(hypothesis.size());
    length_ += static_cast<double>(length);
    int64_t nearest = -1;
    for (const std::vector<Token>& reference : references) {
      const auto other = static_cast<int64_t>(reference.size());
      const int64_t now = std::abs(other - length), best = std::abs(nearest - length);
      if (nearest < 0 || now < best || (now == best && other < nearest)) nearest = other;
    }
    reference_length_ += static_cast<double>(std::max<int64_t>(0, nearest));
  }

  double result() const {
    if (std::ranges::all_of(matched_, [](double m) { return m == 0; })) return 0;
    double logarithms = 0, unseen = 1;
    for (size_t n = 0; n < kLongest; ++n) {
      if (total_[n] == 0) return 0;  // no sentence is so long
      double precision = matched_[n] / total_[n];
      // Half, a quarter … of a match in place of none.
      if (matched_[n] == 0) precision = 1 / ((unseen *= 2) * total_[n]);
      logarithms += std::log(precision) / kLongest;
    }
    const double brevity = length_ < reference_length_ ? 1 - reference_length_ / length_ : 0;
    return 100 * std::exp(logarithms + brevity);
  }

 private:
  template <class Token>
  static std::map<std::vector<Token>, int64_t> grams(const std::vector<Token>& sentence, size_t n) {
    std::map<std::vector<Token>, int64_t> counts;
    for (size_t i = 0; i + n <= sentence.size(); ++i)
      ++counts[std::vector<Token>(sentence.begin() + static_cast<ptrdiff_t>(i),
                                  sentence.begin() + static_cast<ptrdiff_t>(i + n))];
    return counts;
  }

  std::array<double, kLongest> matched_ = {}, total_ = {};
  double length_ = 0, reference_length_ = 0;
};

class BleuOfIds {
 public:
  explicit BleuOfIds(int64_t end) : end_(end) {}
  void update(const Tensor& outputs, const Tensor& labels) {
    if (outputs.rank() != 2 || labels.rank() != 2 || outputs.dim(0) != labels.dim(0) ||
        is_floating(outputs.dtype()) || is_floating(labels.dtype())) {
      throw make_error(ErrorCode::shape_mismatch, "bleu: outputs {} and labels {}",
                       outputs.type().to_string(), labels.type().to_string())
          .note("wanted: token ids [rows, length] of both");
    }
    const int64_t rows = outputs.dim(0).constant();
    const std::vector<int64_t> ids = outputs.to_vector<int64_t>();
    const std::vector<int64_t> wanted = labels.to_vector<int64_t>();
    for (int64_t row = 0; row < rows; ++row)
      bleu_.add(sentence(ids, row, rows), {sentence(wanted, row, rows)});
  }
  double result() const { return bleu_.result(); }

 private:
  std::vector<int64_t> sentence(const std::vector<int64_t>& ids, int64_t row, int64_t rows) const {
    const auto length = static_cast<ptrdiff_t>(ids.size()) / rows;
    const auto begin = ids.begin() + row * length;
    return {begin,
            std::find_if(begin, begin + length, [&](int64_t id) { return id < 0 || id == end_; })};
  }

  int64_t end_;
  Bleu bleu_;
};

}  // namespace

double corpus_bleu(const std::vector<Sentence>& hypotheses,
                   const std::vector<std::vector<Sentence>>& references) {
  if (hypotheses.size() != references.size())
    fail(ErrorCode::shape_mismatch, "corpus_bleu: {} sentences have references for {}",
         hypotheses.size(), references.size());
  Bleu bleu;
  for (size_t i = 0; i < hypotheses.size(); ++i) {
    if (references[i].empty())
      fail(ErrorCode::invalid_argument, "corpus_bleu: sentence {} has no reference", i);
    bleu.add(hypotheses[i], references[i]);
  }
  return bleu.result();
}

Metric bleu(int64_t end) { return BleuOfIds(end); }

}  // namespace tenon::nn::metrics
