// Ends 0 when a Docker Engine answers where DOCKER_HOST says, or on /var/run/docker.sock; else says why on stdout and ends 1.
// Plain JavaScript, so that it runs before any dependency is installed and starts quickly.
import { request } from 'node:http';

const TIMEOUT_MS = 3000;
const host = process.env.DOCKER_HOST || 'unix:///var/run/docker.sock';

/** Where to send the question; undefined for kinds of address that we do not speak. */
function addressOf(text) {
  if (text.startsWith('unix://')) return { socketPath: text.slice('unix://'.length) };
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:') return { host: url.hostname, port: url.port || 2375 };
  return undefined;
}

function fail(reason) {
  console.log(reason);
  process.exit(1);
}

const address = addressOf(host);
// With TLS the client's certificates are dockerode's business: building the images will tell.
if (process.env.DOCKER_TLS_VERIFY) process.exit(0);
if (!address) fail(`DOCKER_HOST is "${host}"; only unix:// and tcp:// are supported`);

const call = request({ ...address, path: '/_ping', timeout: TIMEOUT_MS }, (response) => {
  response.resume();
  if (response.statusCode === 200) process.exit(0);
  fail(`${host} answers ${response.statusCode} to /_ping`);
});
call.on('timeout', () => fail(`${host} does not answer within ${TIMEOUT_MS / 1000} s`));
call.on('error', (error) => {
  if (error.code === 'EACCES') fail(`${host} may not be opened by this user: be root, or join the group "docker"`);
  fail(`nothing answers on ${host} (${error.code ?? error.message})`);
});
call.end();
