// Metrics of a whole evaluation.
//
//   given: Tensor logits, labels;                        // f32[batch, 10], i32[batch]
//   nn::Metric area = nn::metrics::roc_auc();
//   area.update(logits, labels);
//   print("{}\n", area.result());
//   double bleu = nn::metrics::corpus_bleu({{"the", "cat"}}, {{{"the", "cat"}, {"a", "cat"}}});
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tenon/nn/metric.h"

namespace tenon::nn::metrics {

// Where labels are classes, outputs are logits [rows, ..., classes] for integer labels [rows, ...],
// and negative labels are left out. Outputs of the labels' shape, or [..., 1], are logits of class
// 1 against class 0. Without anything that counts a result is NaN.

/// The fraction of labels whose logit is the largest; of equal ones the first is.
Metric accuracy();
/// The fraction of labels that are among the k largest logits; of equal ones the first are.
Metric top_k(int64_t k = 5);

/// How the numbers of classes become one: their mean over classes that labels or predictions have;
/// of all decisions together; the mean weighed by the labels of each; of class 1 alone.
enum class Average { macro, micro, weighted, binary };
struct ClassOptions {
  Average average = Average::macro;
  bool by_class = false;  // also each class, as "0", "1" …: NaN for one that there is not
};
/// Right among those predicted; 0 for a class that is never predicted, as in scikit-learn.
Metric precision(ClassOptions options = {});
/// Right among those labelled; 0 for a class that is predicted and never labelled.
Metric recall(ClassOptions options = {});
/// 2 * right / (predicted + labelled).
Metric f1(ClassOptions options = {});

/// The area under the curve of true over false positives: how often a row of the class has a larger
/// score than another, where equal scores count half. Of two classes that of class 1; of more, the
/// mean over classes of each against all others by its probability, without those of which there
/// are no rows or nothing else.
Metric roc_auc();
/// The sum over thresholds of precision times the increase of recall (scikit-learn's
/// average_precision_score), over classes as roc_auc.
Metric average_precision();

/// Guo et al. 2017, eq. 3: the mean distance of accuracy and confidence over bins of equal width,
/// weighed by what is in each.
Metric expected_calibration_error(int64_t bins = 15);
/// exp of the mean cross entropy.
Metric perplexity();

/// Of numbers: outputs of the labels' shape, or [..., 1] for labels [...].
Metric root_mean_squared_error();
Metric mean_absolute_error();

/// Corpus BLEU of up to four tokens (Papineni et al. 2002), from 0 to 100, as sacreBLEU 2 has it:
/// one brevity penalty and sums over all sentences, and of matches that are 0 the "exp" smoothing.
/// Tokens are as given; the reference whose length is nearest counts, of equally near the shorter.
using Sentence = std::vector<std::string>;
double corpus_bleu(const std::vector<Sentence>& hypotheses,
                   const std::vector<std::vector<Sentence>>& references);
/// The same of ids [rows, length], outputs and labels: a sentence ends before the first negative
/// number or the first `end`.
Metric bleu(int64_t end = -1);

}  // namespace tenon::nn::metrics
