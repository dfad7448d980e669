// One handler a verb. Each takes a call that is authenticated, authorized and routed, and gives the
// answer.
#pragma once

#include "api/meta.h"
#include "apiserver/call.h"
#include "async/task.h"
#include "net/http.h"

namespace kpp::apiserver {

struct Patch;

async::Task<net::Response> handle_get(Call& call);
async::Task<net::Response> handle_list(Call& call);
async::Task<net::Response> handle_watch(Call& call);
async::Task<net::Response> handle_create(Call& call);
async::Task<net::Response> handle_update(Call& call);
async::Task<net::Response> handle_patch(Call& call);
async::Task<net::Response> handle_apply(
    Call& call, const Patch& patch);  // a patch of kind kApply; outlives the task
async::Task<net::Response> handle_delete(Call& call);
async::Task<net::Response> handle_delete_collection(Call& call);
// Subresources with a handler of their own; all others go through the verbs above.
async::Task<net::Response> handle_scale(Call& call);
async::Task<net::Response> handle_binding(Call& call);
async::Task<net::Response> handle_namespace_finalize(Call& call);
async::Task<net::Response> handle_eviction(Call& call);
async::Task<net::Response> handle_token_request(Call& call);
// Kinds that are asked, not stored: TokenReview, SubjectAccessReview and their kin.
async::Task<net::Response> handle_review(Call& call);
async::Task<net::Response> handle_component_status(Call& call);

}  // namespace kpp::apiserver
