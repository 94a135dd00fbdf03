// Losses: scalars of a batch's outputs and labels, means over its rows.
//
//   given: Tensor logits, labels;                   // f32[batch, 10], i32[batch]
//   Tensor loss = nn::cross_entropy(logits, labels);
//   Tensor smoothed = nn::CrossEntropy({.label_smoothing = 0.1})(logits, labels);
//   float right = nn::accuracy(logits, labels).item();
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tenon/tensor/tensor.h"

namespace tenon::nn {

// Whatever outputs are kept in, losses are computed in f32 (f64 for f64) and rounded once to the
// dtype of the outputs. Labels may have any dtype that holds them.

/// A mean, and how much it is a mean of, f32[]: what means of several batches are weighed by.
struct WeightedMean {
  Tensor value;
  Tensor weight;
  operator Tensor() const { return value; }
};

// --- classes ---

/// Mean cross entropy of logits [..., classes] and integer labels [...]. Rows with a negative label
/// are left out; where all are, it is 0. A label beyond the classes is an error where labels are
/// known; one that is still to be computed reads a logit of 0 (`train::fit` checks labels first).
Tensor cross_entropy(const Tensor& logits, const Tensor& labels);

struct CrossEntropyOptions {
  /// The share of the target that is spread evenly over all classes, from 0 to 1 (Szegedy et al.
  /// 2016, section 7).
  double label_smoothing = 0;
  /// A factor for each class's part of the loss, empty: 1. The mean is then weighed by those of the
  /// labels, as in PyTorch.
  std::vector<double> class_weights = {};
};
/// The same with options. Labels may also be probabilities, of the shape and kind of the logits,
/// as mixup makes them: then it is a mean over all rows, as in PyTorch.
class CrossEntropy {
 public:
  explicit CrossEntropy(CrossEntropyOptions options);
  WeightedMean operator()(const Tensor& logits, const Tensor& labels) const;
  std::string name() const { return "cross_entropy"; }

 private:
  CrossEntropyOptions options_;
};

/// The mean over all elements of the cross entropy of yes or no. Targets are 0, 1 or what is
/// between, of the shape of the logits, or [...] for logits [..., 1]; none is left out.
/// `positive_weight` multiplies the part of targets of 1.
Tensor binary_cross_entropy(const Tensor& logits, const Tensor& targets,
                            double positive_weight = 1);

struct FocalOptions {
  double gamma = 2;     // how much less counts what is right already; 0: not less
  double alpha = 0.25;  // the weight of targets of 1, where others have 1 - alpha; below 0: all 1
};
/// binary_cross_entropy times (1 - p)^gamma, where p is the probability of the target, which is 0
/// or 1 (Lin et al. 2017, eq. 5): the mean over all elements.
Tensor focal(const Tensor& logits, const Tensor& targets, FocalOptions options = {});

/// The sum over the other classes of max(0, margin - logits[label] + logits[class])^power, divided
/// by the number of classes: the mean over rows (Weston and Watkins 1999). Shapes and negative
/// labels as of cross_entropy; `power` is 1 or 2.
Tensor multi_margin(const Tensor& logits, const Tensor& labels, double margin = 1, int power = 1);

/// 1 - (2 sum(p t) + smooth) / (sum(p) + sum(t) + smooth), with sums over all axes but the first
/// and the classes, and its mean over rows and classes (Sudre et al. 2017; Milletari et al. 2016
/// have squares below). Of logits [rows, ..., classes] and integer labels [rows, ...], where
/// negative labels are left out, p is softmax; of logits of the targets' shape, or [..., 1] for
/// targets [...], it is the logistic function, and there is one class.
WeightedMean dice(const Tensor& logits, const Tensor& labels, double smooth = 1);

// --- numbers: of equal shapes, or of predictions [..., 1] for targets [...] ---

/// The mean of the squared difference.
Tensor mean_squared_error(const Tensor& prediction, const Tensor& target);
/// The mean of the absolute difference.
Tensor mean_absolute_error(const Tensor& prediction, const Tensor& target);
/// The mean of half the squared difference up to delta, and linear beyond (Huber 1964).
Tensor huber(const Tensor& prediction, const Tensor& target, double delta = 1);
/// huber / beta, which tends to mean_absolute_error for a beta near 0 (Girshick 2015).
Tensor smooth_l1(const Tensor& prediction, const Tensor& target, double beta = 1);
/// The mean of exp(log_rate) - count * log_rate: what a Poisson distribution of this rate costs,
/// but for the logarithm of count!, which does not depend on it.
Tensor poisson_nll(const Tensor& log_rate, const Tensor& count);
/// The mean of (log(v) + (mean - target)^2 / v) / 2, with v the variance or `epsilon`, if that is
/// more (Nix and Weigend 1994), without the constant log(2 pi) / 2. Three equal shapes.
Tensor gaussian_nll(const Tensor& mean, const Tensor& target, const Tensor& variance,
                    double epsilon = 1e-6);

// --- vectors [rows, width] ---

struct TripletOptions {
  double margin = 1;
  bool swap = false;  // take the negative's distance to the nearer of anchor and positive
};
/// The mean over rows of max(0, |anchor - positive| - |anchor - negative| + margin), in Euclidean
/// distances (Schroff et al. 2015; the swap: Balntas et al. 2016). As in PyTorch, 1e-6 is added to
/// each difference, so that equal vectors have a gradient.
Tensor triplet(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
               TripletOptions options = {});
/// The mean over rows of 1 - cos(a, b) for targets [rows] of 1, and of max(0, cos(a, b) - margin)
/// for those of -1.
Tensor cosine_embedding(const Tensor& a, const Tensor& b, const Tensor& target, double margin = 0);

// --- distributions ---

/// The Kullback-Leibler divergence of the distribution whose logarithms are given from `target`,
/// [rows, ..., classes], summed over all axes but the first: its mean over rows. 0 log(0) is 0.
Tensor kl_divergence(const Tensor& log_probability, const Tensor& target);
/// That of a normal distribution with independent parts from the standard one, summed over all axes
/// but the first: its mean over rows (Kingma and Welling 2014, appendix B).
Tensor gaussian_kl(const Tensor& mean, const Tensor& log_variance);

struct ElboTerms {
  Tensor loss;            // reconstruction + beta * divergence
  Tensor reconstruction;  // nats a row
  Tensor divergence;      // nats a row
};
/// The negative evidence lower bound of a variational autoencoder whose logits are those of pixels
/// from 0 to 1, [rows, ...], and whose code is normal (Kingma and Welling 2014, eq. 10; beta:
/// Higgins et al. 2017).
ElboTerms negative_elbo(const Tensor& logits, const Tensor& pixels, const Tensor& mean,
                        const Tensor& log_variance, double beta = 1);

// --- sequences ---

struct CtcOptions {
  int64_t blank = 0;
  /// Rows whose labels cannot be had from so few steps cost 0 in place of infinity.
  bool zero_infinity = false;
  /// i32[rows]: how many steps each row has; empty: all.
  Tensor logit_lengths = {};
};
/// Connectionist temporal classification (Graves et al. 2006) of logits [rows, time, classes] and
/// labels [rows, length], which negative numbers fill up at the end; a row may have no label. The
/// loss of a row is divided by the number of its labels, at least 1, and the mean is over rows.
/// Infinity has a gradient of 0.
WeightedMean ctc(const Tensor& logits, const Tensor& labels, const CtcOptions& options = {});
/// The loss of each row, [rows], not divided.
Tensor ctc_by_row(const Tensor& logits, const Tensor& labels, const CtcOptions& options = {});

// --- metrics that are means over rows; metrics.h has those that are not ---

/// The fraction of rows, without those whose label is negative, whose largest logit is the label's.
Tensor accuracy(const Tensor& logits, const Tensor& labels);

}  // namespace tenon::nn
