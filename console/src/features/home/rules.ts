/** A host as a command takes it: without the brackets that addresses of IPv6 have in a URL. */
export function bareHost(hostname: string): string {
  return hostname.replace(/^\[|\]$/g, "");
}

/** A text as one word of a shell. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Commands that ask for the password and keep a token in TOKEN. */
export function tokenCommand(origin: string, username: string): string {
  return [
    "read -rs -p 'Password: ' PASSWORD",
    `TOKEN=$(curl -s ${origin}/oauth/token -u particle:particle -d grant_type=password \\`,
    `  --data-urlencode ${quoted(`username=${username}`)} --data-urlencode "password=$PASSWORD" |`,
    `  python3 -c 'import json, sys; print(json.load(sys.stdin)["access_token"])')`,
  ].join("\n");
}

interface Counted {
  product_id: number;
  open: number;
}

/** The products in which alerts are open, those with the most first. */
export function firingIn<Fleet extends { id: number }>(products: Fleet[], counts: Counted[]): { product: Fleet; open: number }[] {
  return counts
    .filter((one) => one.open > 0)
    .flatMap(({ product_id, open }) => products.filter((one) => one.id === product_id).map((product) => ({ product, open })))
    .toSorted((a, b) => b.open - a.open);
}
