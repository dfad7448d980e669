// Options of list and watch requests (metav1.ListOptions in the query).
#pragma once

#include <string>

#include "apiserver/call.h"
#include "apiserver/selection.h"
#include "base/status.h"

namespace kpp::apiserver {

struct ListOptions {
  std::int64_t limit = 0;
  store::Revision revision = 0;  // resourceVersion; 0: unset or "0"
  bool revision_given = false;   // resourceVersion is not empty
  bool exact = false;            // resourceVersionMatch=Exact
  std::string continue_key;      // from the continue token, relative to the prefix
  std::int64_t timeout_seconds = 0;
  bool bookmarks = false;
  bool send_initial_events = false;
  bool send_initial_events_given = false;
};

// kBadRequest or kInvalid with the original's words.
Result<ListOptions> parse_list_options(const Call& call);

// The token of the next page: JSON {v, rv, start} in base64, as the original's.
std::string make_continue_token(store::Revision revision, std::string_view prefix,
                                std::string_view last_key);
Status expired_continue(const Call& call, const Selection& selection);

}  // namespace kpp::apiserver
