#include "groupcomm/wire/codec.h"
#include "groupcomm/wire/conversions.h"

namespace groupcomm::wire {

using protocol::DurableRecord;

namespace {

constexpr std::size_t kRecordWords = 1024;

}  // namespace

Payload encode(const DurableRecord& record) {
  FrameBuilder builder(kRecordFormat, kRecordWords);
  auto out = builder.initRoot<schema::DurableRecord>();
  out.setVersion(protocol::kProtocolVersion);
  write(record.decided, out.initDecided());
  write(record.promised, out.initPromised());
  if (record.accepted) write(*record.accepted, out.initAccepted());
  out.setSince(record.since.value);
  if (record.claim) write(*record.claim, out.initClaim());
  return builder.finish();
}

Result<DurableRecord> decode_durable_record(const Payload& bytes) {
  return decode_guarded<DurableRecord>([&] {
    FrameReader reader(bytes, kRecordFormat);
    const auto in = reader.root<schema::DurableRecord>();
    if (in.getVersion() > protocol::kProtocolVersion) {
      bad_frame("a record of a later version: " + std::to_string(in.getVersion()));
    }
    DurableRecord record;
    record.decided = read(in.getDecided());
    record.promised = read(in.getPromised());
    if (in.hasAccepted()) record.accepted = read(in.getAccepted());
    record.since = Incarnation{in.getSince()};
    if (in.hasClaim()) record.claim = read(in.getClaim());
    return record;
  });
}

}  // namespace groupcomm::wire
