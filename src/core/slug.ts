/** A DNS label of lower-case letters, digits and inner hyphens; never punycode. */
export const slugPattern = /^(?!xn--)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;

/** Names a tenant could use to pose as the service itself. */
const reserved = new Set(
  `about abuse account accounts admin administrator api app apps assets auth autoconfig autodiscover
  beta billing blog cdn cloud cname console contact cpanel dashboard demo-admin dev developer
  developers dns doc docs domain download downloads email example feedback files forum ftp git
  global graphql health help host hostmaster hosting id imap info internal invite invitations
  invoice ipv4 ipv6 isatap jobs ldap legal live local localhost log login logout logs mail
  mailer-daemon me media members metrics mobile monitor mx my name nameserver new news nobody
  noreply no-reply ns ns0 ns1 ns2 ns3 ns4 null oauth ops operator org origin page pages partner
  payment payments platform pop pop3 portal postmaster preview pricing privacy prod production
  proxy public ready redoc register registry relay remote reset root sales sandbox sdk search
  secure security server service services settings setup shop signin signup site smtp sql ssh ssl
  sso staff staging static stats status store stream sub support sys sysadmin system team teams
  tenant tenantry tenants terms test testing tls token undefined update updates upload uploads
  user users vpn web webhook webhooks webmail webmaster wiki wpad www www1 www2`.split(/\s+/),
);

export const isReservedSlug = (slug: string): boolean => reserved.has(slug);
