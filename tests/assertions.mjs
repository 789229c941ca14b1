// Another implementation's word on assertions (npm @simplewebauthn/server): reads a list of cases from its input, and writes
// for each "yes" and the counter it read, or "no". Started by test_approval_judged.py in the folder that npm installed into.
import { createRequire } from "node:module";
import { join } from "node:path";
import { text } from "node:stream/consumers";

const require = createRequire(join(process.argv[2], "here.js"));
const { verifyAuthenticationResponse } = require("@simplewebauthn/server");

const judged = async ({ assertion, challenge, origin, host, key, count }) => {
  try {
    const found = await verifyAuthenticationResponse({
      response: {
        id: assertion.credential,
        rawId: assertion.credential,
        type: "public-key",
        clientExtensionResults: {},
        response: {
          clientDataJSON: assertion.client_data,
          authenticatorData: assertion.authenticator_data,
          signature: assertion.signature,
        },
      },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: host,
      requireUserVerification: true,
      credential: { id: assertion.credential, publicKey: new Uint8Array(Buffer.from(key, "base64url")), counter: count },
    });
    return found.verified ? `yes ${found.authenticationInfo.newCounter}` : "no";
  } catch {
    return "no";
  }
};

const cases = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await Promise.all(cases.map(judged))));
