// The error function, its inverse, and the normal distribution.
#include <limits>
#include <numbers>

#include "tenon/ops/math_expand.h"
#include "tenon/ops/math_expand_detail.h"

namespace tenon {
namespace {

using namespace detail;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// For |x| < 1.
Expr erf_near(Expr x) {
  const Expr z = x * x;
  const Expr p =
      is_single(x)
          ? horner(z, {-0.000590533775, 0.00497673359, -0.0267558619, 0.112815455, -0.37612474,
                       0.128379151})
          : horner(z, {-7.686684340622635e-10, 1.3659861993782797e-08, -1.6194148875461935e-07,
                       1.6445494393403255e-06, -1.4924575262820059e-05, 0.0001205528618373126,
                       -0.000854832567151332, 0.00522397760044587, -0.026866170642366953,
                       0.1128379167093898, -0.3761263890318337, 0.12837916709551256});
  return fma(p, x, x);
}

Expr erf_single(Expr x) {
  const Expr t = abs(x);
  // log(erfc(t)) = -t + t q(t) on [0.93, 4]; beyond it erf is 1.
  const Expr u = min(t, 4.0);
  const Expr q = horner(u, {-1.16064784e-05, 0.00032650691, -0.00365735474, 0.0237933081,
                            -0.106272921, -0.635129631, -0.128653809});
  const Expr far = 1.0 - exp_bounded(fma(q, u, -u));
  return select(t < 0.9375, erf_near(x), copy_sign(far, x));
}

Expr erf_double(Expr x) {
  const Expr t = abs(x);
  // erfc(t) = exp(-t^2) g((t - 2.5) / (t + 2.5)) / (1 + 2t) on [1, 6].
  const Expr u = min(t, 6.0);
  const Expr v = (u - 2.5) / (u + 2.5);
  const Expr g = horner(
      v, {3.197371834611758e-07, 7.725288786456662e-06, 2.5884001913081254e-05,
          7.390463868830263e-06, -0.00011334738536585182, -8.850076259871247e-05,
          0.0006321093093878692, 0.0004918633983007608, -0.004382078342750218, 0.00093189286399473,
          0.032760893273890423, -0.10296705603852417, 0.15762991902319012, -0.09902453957360363,
          -0.1223567630824043, 1.2648381843668615});
  const Expr far = 1.0 - exp_bounded(-(u * u)) * g / fma(u, 2.0, 1.0);
  return select(t < 1.0, erf_near(x), copy_sign(far, x));
}

/// exp(-x^2 / 2) w g(w) with w = 1 / (|x| / sqrt(2) + k): half of erfc (after Shepherd and
/// Laframboise, "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", 1981). The square is taken
/// in two parts, so that no digits are lost far out.
Expr normal_tail(Expr x) {
  const double lowest = choose(x, 13.0, 37.5);  // beyond it the tail is less than a normal number
  const Expr t = min(abs(x), lowest);
  const Expr w = 1.0 / fma(t, 1.0 / std::numbers::sqrt2, choose(x, 2.5, 4.0));
  const Expr v = fma(w, choose(x, 6.21359223300970865, 9.16363636363636364),
                     choose(x, -1.48543689320388346, -1.29090909090909091));
  const Expr g =
      is_single(x)
          ? horner(v, {-2.265805456e-6, -1.10776278e-5, 3.868531149e-5, 0.0001456756886,
                       -0.00047985291, -0.002261100458, 0.003687741804, 0.04937519806, 0.1813130149,
                       0.4032837902, 0.6149101896})
          : horner(v,
                   {2.24116777825456917e-11,   9.18483808280828227e-11,   -3.32437850003312826e-10,
                    -1.40253765496914007e-9,   3.14636013996834283e-9,    1.58705805311042311e-8,
                    -2.24830299980670953e-8,   -1.81078583585146084e-7,   4.06385253455563508e-8,
                    2.04523872709910742e-6,    3.20336929734433863e-6,    -0.0000174842741839442215,
                    -0.0000892124314564202585, -0.0000665084998268480145, 0.00101963127140822116,
                    0.00630298366961357542,    0.0227121576401096113,     0.06132141223868032,
                    0.134129133320899294,      0.246303157392538271,      0.386847148176440026,
                    0.524697787599302325,      0.616834690815314141});
  const Expr square = t * t;
  const Expr rest = fma(t, t, -square) * -0.5;
  const Expr scaled = w * g;
  const Expr tail = exp_bounded(square * -0.5) * fma(scaled, rest, scaled);
  return select(abs(x) > lowest, 0.0, tail);
}

Expr erf_inv_single(Expr x) {
  // By Giles, "Approximating the erfinv function": x times a polynomial in w = -log(1 - x^2).
  const Expr w = -log(fma(-x, x, 1.0));
  const Expr a = w - 2.5;
  const Expr central =
      horner(a, {2.51546783e-08, 3.38145753e-07, -3.49335392e-06, -4.34288449e-06, 0.000218492714,
                 -0.00125385122, -0.00417761179, 0.246640816, 1.50140941});
  const Expr b = sqrt(w) - 3.0;
  const Expr tail =
      horner(b, {-0.000151308297, 8.77806378e-05, 0.00126929022, -0.0036609068, 0.00578012038,
                 -0.00762479147, 0.00943247974, 1.00167406, 2.83297706});
  const Expr value = select(w < 5.0, central, tail) * x;
  return select(equal(abs(x), 1.0), x * kInfinity, value);
}

/// Giles again; 1 - x^2 as a product, which is exact where x is near 1.
Expr erf_inv_double(Expr x) {
  const Expr w = -log((1.0 - x) * (x + 1.0));
  const Expr a = w - 3.125;
  const Expr central =
      horner(a, {-3.6444120640178197e-21, -1.6850591381820166e-19, 1.28584807152564e-18,
                 1.115787767802518e-17,   -1.333171662854621e-16,  2.0972767875968562e-17,
                 6.637638134358324e-15,   -4.054566272975207e-14,  -8.151934197605472e-14,
                 2.6335093153082323e-12,  -1.2975133253453532e-11, -5.415412054294628e-11,
                 1.0512122733215323e-09,  -4.112633980346984e-09,  -2.9070369957882005e-08,
                 4.2347877827932404e-07,  -1.3654692000834679e-06, -1.3882523362786469e-05,
                 0.00018673420803405714,  -0.000740702534166267,   -0.006033670871430149,
                 0.24015818242558962,     1.6536545626831027});
  const Expr root = sqrt(w);
  const Expr b = root - 3.25;
  const Expr tail = horner(
      b, {2.2137376921775787e-09, 9.075656193888539e-08, -2.7517406297064545e-07,
          1.8239629214389228e-08, 1.5027403968909828e-06, -4.013867526981546e-06,
          2.9234449089955446e-06, 1.2475304481671779e-05, -4.7318229009055734e-05,
          6.828485145957318e-05, 2.40311103870979e-05, -0.0003550375203628475,
          0.0009532893797373805, -0.0016882755560235047, 0.002491442096107851,
          -0.003751208507569241, 0.005370914553590064, 1.0052589676941592, 3.0838856104922208});
  const Expr c = root - 5.0;
  const Expr end =
      horner(c, {-2.7109920616438573e-11, -2.5556418169965252e-10, 1.5076572693500548e-09,
                 -3.789465440126737e-09, 7.61570120807834e-09, -1.496002662714924e-08,
                 2.914795345090108e-08, -6.771199775845234e-08, 2.2900482228026655e-07,
                 -9.9298272942317e-07, 4.526062597223154e-06, -1.968177810553167e-05,
                 7.599527703001776e-05, -0.00021503011930044477, -0.00013871931833623122,
                 1.0103004648645344, 4.849906401408584});
  const Expr value = select(w < 6.25, central, select(w < 16.0, tail, end)) * x;
  return select(equal(abs(x), 1.0), x * kInfinity, value);
}

}  // namespace

Expr erf(Expr x) { return is_single(x) ? erf_single(x) : erf_double(x); }

Expr normal_cdf(Expr x) {
  const Expr tail = normal_tail(x);
  const Expr near = fma(erf_near(x * (1.0 / std::numbers::sqrt2)), 0.5, 0.5);
  return select(abs(x) < 1.0, near, select(x < 0.0, tail, 1.0 - tail));
}

Expr erf_inv(Expr x) { return is_single(x) ? erf_inv_single(x) : erf_inv_double(x); }

}  // namespace tenon
