// PriorityLevelConfigurations.
#include <cmath>

#include "validation/metadata.h"
#include "validation/rules.h"

namespace kpp::validation {
namespace {

constexpr std::int32_t kMostQueues = 10'000'000;
constexpr int kMostHashBits = 60;

// The bits of a hash that dealing a hand out of a deck takes.
int entropy_bits(std::int32_t deck, std::int32_t hand) {
  double bits = 0;
  for (std::int32_t i = 0; i < hand; ++i) bits += std::log2(deck - i);
  return static_cast<int>(std::ceil(bits));
}

void check_queuing(FieldErrors& errors, const FieldPath& at,
                   const flowcontrolv1::QueuingConfiguration& queuing) {
  constexpr std::string_view kPositive = "must be positive";
  if (queuing.queue_length_limit <= 0)
    errors.invalid(at.child("queueLengthLimit"), queuing.queue_length_limit, kPositive);
  if (queuing.queues <= 0) {
    errors.invalid(at.child("queues"), queuing.queues, kPositive);
  } else if (queuing.queues > kMostQueues) {
    errors.invalid(at.child("queues"), queuing.queues,
                   cat("must not be greater than ", kMostQueues));
  }
  const FieldPath hand = at.child("handSize");
  if (queuing.hand_size <= 0) {
    errors.invalid(hand, queuing.hand_size, kPositive);
  } else if (queuing.hand_size > queuing.queues) {
    errors.invalid(hand, queuing.hand_size,
                   cat("should not be greater than queues (", queuing.queues, ")"));
  } else if (entropy_bits(queuing.queues, queuing.hand_size) > kMostHashBits) {
    errors.invalid(hand, queuing.hand_size,
                   cat("required entropy bits of deckSize ", queuing.queues, " and handSize ",
                       queuing.hand_size, " should not be greater than ", kMostHashBits));
  }
}

void check_response(FieldErrors& errors, const FieldPath& at,
                    const flowcontrolv1::LimitResponse& response) {
  const FieldPath queuing = at.child("queuing");
  if (response.type == "Reject") {
    if (response.queuing)
      errors.forbidden(queuing, "must be nil if limited.limitResponse.type is not Limited");
  } else if (response.type == "Queue") {
    if (response.queuing) {
      check_queuing(errors, queuing, *response.queuing);
    } else {
      errors.required(queuing, "must not be empty if limited.limitResponse.type is Limited");
    }
  } else {
    errors.not_supported(at.child("type"), response.type, {"Queue", "Reject"});
  }
}

void check_shares(FieldErrors& errors, const FieldPath& at,
                  const std::optional<std::int32_t>& shares) {
  if (shares && *shares < 0)
    errors.invalid(at.child("nominalConcurrencyShares"), *shares, "must be a non-negative integer");
}

void check_lendable(FieldErrors& errors, const FieldPath& at,
                    const std::optional<std::int32_t>& percent) {
  if (percent && (*percent < 0 || *percent > 100))
    errors.invalid(at.child("lendablePercent"), *percent, "must be between 0 and 100, inclusive");
}

void check_limited(FieldErrors& errors, const FieldPath& at,
                   const flowcontrolv1::LimitedPriorityLevelConfiguration& limited) {
  check_shares(errors, at, limited.nominal_concurrency_shares);
  check_response(errors, at.child("limitResponse"), limited.limit_response);
  check_lendable(errors, at, limited.lendable_percent);
  if (limited.borrowing_limit_percent && *limited.borrowing_limit_percent < 0) {
    errors.invalid(at.child("borrowingLimitPercent"), *limited.borrowing_limit_percent,
                   "if specified, must be a non-negative integer");
  }
}

}  // namespace

void validate(FieldErrors& errors, const flowcontrolv1::PriorityLevelConfiguration& level,
              const Context&) {
  check_metadata(errors, level.metadata, false, subdomain_name);
  const FieldPath at("spec");
  const auto& spec = level.spec;
  if ((level.metadata.name == "exempt") != (spec.type == "Exempt")) {
    errors.invalid(at.child("type"), spec.type,
                   "type must be 'Exempt' if and only if name is 'exempt'");
  }
  if (spec.type == "Exempt") {
    if (spec.limited)
      errors.forbidden(at.child("limited"), "must be nil if the type is not Limited");
    if (!spec.exempt) return;
    check_shares(errors, at.child("exempt"), spec.exempt->nominal_concurrency_shares);
    check_lendable(errors, at.child("exempt"), spec.exempt->lendable_percent);
  } else if (spec.type == "Limited") {
    if (spec.exempt) errors.forbidden(at.child("exempt"), "must be nil if the type is Limited");
    if (!spec.limited)
      return errors.required(at.child("limited"), "must not be empty when type is Limited");
    check_limited(errors, at.child("limited"), *spec.limited);
  } else {
    errors.not_supported(at.child("type"), spec.type, {"Exempt", "Limited"});
  }
}

}  // namespace kpp::validation
