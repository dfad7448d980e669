// Taking and giving up control of objects by their labels.
#pragma once

#include <memory>
#include <vector>

#include "api/meta.h"
#include "client/client.h"
#include "controllers/label_matching.h"

namespace kpp::controllers {

enum class Claim {
  kMine,     // controlled already and selected
  kAdopt,    // an orphan that is selected
  kRelease,  // controlled, but selected no more
  kNotMine,
};

Claim claim(const metav1::ObjectMeta& owner, const metav1::LabelSelector& selector,
            const metav1::ObjectMeta& object);

// Adds the controller reference, or takes it away, by a patch that holds for this uid only. For
// adopt the owner is read afresh first: one that is being deleted adopts nothing. Adopted objects
// get `finalizer`, if there is one.
async::Task<Status> adopt(client::Client& client, const api::TypeDesc* owner_type,
                          metav1::ObjectMeta owner, const api::TypeDesc* type,
                          metav1::ObjectMeta object, std::string finalizer, async::StopToken stop);
async::Task<Status> release(client::Client& client, std::string owner_uid,
                            const api::TypeDesc* type, metav1::ObjectMeta object,
                            async::StopToken stop);

// Those of `objects` that the owner controls, after adopting and releasing; orphans that are not
// `adoptable` stay what they are.
template <class T>
async::Task<Result<std::vector<std::shared_ptr<const T>>>> claim_all(
    client::Client& client, const api::TypeDesc* owner_type, metav1::ObjectMeta owner,
    metav1::LabelSelector selector, std::vector<std::shared_ptr<const T>> objects,
    bool (*adoptable)(const T&), async::StopToken stop, std::string finalizer = {}) {
  std::vector<std::shared_ptr<const T>> mine;
  Status failed;
  for (const auto& object : objects) {
    const Claim verdict = claim(owner, selector, object->metadata);
    Status status;
    if (verdict == Claim::kMine) mine.push_back(object);
    if (verdict == Claim::kAdopt && adoptable(*object)) {
      status =
          co_await adopt(client, owner_type, owner, &T::desc(), object->metadata, finalizer, stop);
      if (status.ok()) mine.push_back(object);
    }
    if (verdict == Claim::kRelease) {
      status = co_await release(client, owner.uid, &T::desc(), object->metadata, stop);
    }
    if (!status.ok() && !status.is(Reason::kNotFound)) failed = std::move(status);
  }
  if (!failed.ok()) co_return fail(std::move(failed));
  co_return mine;
}

}  // namespace kpp::controllers
